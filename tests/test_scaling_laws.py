"""Scaling laws: sums against brute force, faults in one sentence, intervals that cover the truth, parity with least squares."""

import warnings

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import least_squares
from scipy.special import zeta

from agentirt_nb.irt.fits import alarm, trust
from agentirt_nb.quanta.scaling_fits import FORMS, compare_forms, exponents, fit_curve, fitted_curve, scaling_studies
from agentirt_nb.quanta.tail_exponents import envelope_exponent, simulate_counts, tail_exponent
from agentirt_nb.quanta.theory import joint_loss, learned_quanta, loss_of_learned, theory_exponents, use_frequencies


def falling(losses=(1.0, 0.7, 0.55, 0.46, 0.41, 0.38), scale=None, dim="parameters"):
    scale = 10.0 ** np.arange(3, 3 + len(losses)) if scale is None else scale
    return xr.DataArray(np.array(losses, float), dims=dim, coords={dim: scale})


def drawn(rng, form):
    "A curve from inside the prior: exponent .05 to 1, share of the floor, 8 to 25 points, 1 to 3 replicates, noise 1 to 10 %."
    points, replicates, noise = rng.integers(8, 26), rng.integers(1, 4), np.exp(rng.uniform(*np.log([0.01, 0.1])))
    exponent = np.exp(rng.uniform(*np.log([0.05, 1])))
    x = np.geomspace(1e3, 1e3 * 10 ** rng.uniform(2, 5), points)
    share = rng.uniform(0, 1) if form == "power" else 0.0
    relative = x / np.exp(np.log(x).mean())
    level = np.exp(rng.normal())
    loss = level * (share + (1 - share) * relative**-exponent) * np.exp(noise * rng.normal(size=(replicates, points)))
    curve = xr.DataArray(loss, dims=["seed", "parameters"], coords=dict(parameters=x))
    return curve, dict(exponent=exponent, noise=noise) | (dict(floor=level * share) if form == "power" else {})


def with_wild_points(curve, noise, rng):
    "The curve with one point in fifty, or one, moved by 10 to 30 standard deviations, and where those are."
    where = rng.choice(curve.size, max(1, round(0.02 * curve.size)), replace=False)
    off = np.zeros(curve.size)
    off[where] = noise * rng.uniform(10, 30, len(where)) * rng.choice([-1, 1], len(where))
    return curve * np.exp(off.reshape(curve.shape)), where


def coverage(form, seeds, wild=False, draws=500):
    "Share of 90 % intervals that hold the truth, by parameter, and of fits that did not converge; those count as well."
    inside, failed = [], 0
    for i in seeds:
        curve, truth = drawn(np.random.default_rng(i), form)
        if wild:
            curve, truth = with_wild_points(curve, truth.pop("noise"), np.random.default_rng(10**6 + i))[0], truth
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = fit_curve(curve, "parameters", form, seed=i, draws=draws)
        failed += fitted.attrs["converged"] != "yes"
        table = exponents(fitted, prob=0.9)
        inside.append({k: bool(table.lower.sel(parameter=k) < v < table.upper.sel(parameter=k)) for k, v in truth.items()})
    return {k: np.mean([row[k] for row in inside]) for k in inside[0]}, failed / len(seeds)


@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.2])
@pytest.mark.parametrize("case", ["equal", "case 1", "case 2"])
def test_loss_against_sums_term_by_term(alpha, case):
    k = np.arange(1, 2_000_001)
    p = k ** -(alpha + 1.0) / zeta(alpha + 1)
    gain = 1.2
    before, after = {
        "equal": (np.full(len(k), 3.0), np.full(len(k), 0.5)),
        "case 1": (-np.log(p), np.zeros(len(k))),
        "case 2": (-np.log(p), -np.log(gain * p)),
    }[case]
    loss = loss_of_learned([1, 7, 500, 2_000_000], alpha, before=3.0, after=0.5, case=case, gain=gain)
    gained = np.cumsum((before - after) * p)
    np.testing.assert_allclose(loss.exact[:3] - loss.exact[3], gained[-1] - gained[[0, 6, 499]], rtol=1e-9)
    np.testing.assert_allclose(loss.asymptotic[3], loss.exact[3], rtol=2e-6)


def test_case_2_ends_at_the_entropy():
    p = use_frequencies(3_000_000, 1.2).values
    loss = loss_of_learned(10**9, 1.2, case="case 2", gain=1.3)
    assert abs(float(loss.exact[0]) - (-(p * np.log(p)).sum() - np.log(1.3))) < 1e-6


def test_pure_power_agrees_with_least_squares():
    rng = np.random.default_rng(0)
    x = np.geomspace(1e2, 1e6, 20)
    curve = falling(2 * x**-0.3 * np.exp(0.02 * rng.normal(size=20)), x)
    slope, covariance = np.polyfit(np.log(x), np.log(curve), 1, cov=True)
    found = exponents(fit_curve(curve, "parameters", "pure_power", noise="normal")).sel(parameter="exponent")
    assert abs(float(found["mean"]) + slope[0]) < 0.1 * covariance[0, 0] ** 0.5
    assert 0.85 < float(found.sd) / covariance[0, 0] ** 0.5 < 1.3


def straight_line(points=24, replicates=2):
    "Losses (seed, parameters) with exponent .3 and noise of 2 %, two of them misread, and where those stand."
    x = np.geomspace(1e2, 1e6, points)
    noise = np.random.default_rng(0).normal(size=(replicates, points))
    curve = xr.DataArray(x**-0.3 * np.exp(0.02 * noise), dims=["seed", "parameters"], coords=dict(parameters=x, seed=[7, 8]))
    wrong = curve.copy()
    wrong[0, 0], wrong[1, 2] = 2 * wrong[0, 0], 1.5 * wrong[1, 2]
    return curve, wrong


def test_misread_points_move_no_exponent_and_are_named():
    curve, wrong = straight_line()
    fit = fit_curve(wrong, "parameters", "pure_power")
    good, fitted = (exponents(of).sel(parameter="exponent") for of in (fit_curve(curve, "parameters", "pure_power"), fit))
    assert fitted.lower < 0.3 < fitted.upper and fitted.sd < 1.5 * good.sd
    squares = np.polyfit(np.log(wrong.parameters), np.log(wrong.mean("seed")), 1)[0]
    assert abs(squares + 0.3) > 4 * float(good.sd)  # least squares is that far off
    told = fit.observed_data.to_dataset().to_dataframe().query("misfit")
    assert sorted(zip(told.seed, told.parameters)) == [(7, 100.0), (8, float(curve.parameters[2]))]
    assert (told.residual > 10).all() and (fit.observed_data.residual.size == 48)
    assert "2 of 48 points lie further" in fit.attrs["verdict"] and "parameters = 100, seed = 7 (loss" in fit.attrs["verdict"]
    assert "sds)" in exponents(fit).attrs["verdict"]


@pytest.mark.slow
def test_a_robust_fit_is_that_of_huber():
    _, wrong = straight_line()
    log_x, log_loss = np.log(np.broadcast_to(wrong.parameters, wrong.shape)).ravel(), np.log(wrong.values).ravel()
    off = lambda p: p[0] - p[1] * log_x - log_loss
    here = exponents(fit_curve(wrong, "parameters", "pure_power")).sel(parameter="exponent")
    for loss in ("huber", "soft_l1"):
        there = least_squares(off, [0.0, 0.1], loss=loss, f_scale=0.01, x_scale=[1, 0.1]).x[1]
        assert abs(float(here["mean"]) - there) < float(here.sd)


def test_normal_noise_is_not_called_sound_where_residuals_contradict_it():
    curve, wrong = straight_line()
    assert fit_curve(curve, "parameters", "pure_power", noise="normal").attrs["adequacy"] != "bad"
    with pytest.warns(UserWarning, match="contradict normal noise, above all at parameters = 100, seed = 7"):
        fitted = fit_curve(wrong, "parameters", "pure_power", noise="normal")
    assert alarm(fitted) == "NOT CONFIRMED" and trust(exponents(fitted))["adequacy"] == "bad"


@pytest.mark.parametrize(
    ("form", "points"),
    [("pure_power", 3), *(pytest.param(*few, marks=pytest.mark.slow) for few in (("pure_power", 5), ("power", 4), ("power", 5)))],
)
def test_the_fewest_points_get_an_answer(form, points):
    curve = falling([1.0, 0.71, 0.5, 0.36, 0.25][:points])  # exponent .15
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = fit_curve(curve, "parameters", form)
    found = exponents(fitted).sel(parameter="exponent")
    assert found.lower < 0.15 < found.upper and not fitted.observed_data.misfit.any()


def test_units_of_scale_and_loss_do_not_matter():
    curve = falling()
    here = exponents(fit_curve(curve, "parameters"))
    there = exponents(fit_curve(falling(1e3 * curve.values, 1e9 * curve.parameters.values), "parameters"))
    pick = lambda table, name: float(table["mean"].sel(parameter=name))
    assert pick(there, "exponent") == pytest.approx(pick(here, "exponent"), rel=0.05)
    assert pick(there, "floor") == pytest.approx(1e3 * pick(here, "floor"), rel=0.05)


def test_seed_repeats_and_missing_cells_are_only_missing():
    curve = xr.concat([falling(), 1.02 * falling()], "seed")
    holes = curve.copy()
    holes[1, 3] = np.nan
    one, two = (fit_curve(holes, "parameters", seed=3) for _ in range(2))
    xr.testing.assert_identical(one.posterior.to_dataset(), two.posterior.to_dataset())
    assert one.observed_data.sizes["cell"] == 11
    assert not fit_curve(holes, "parameters", seed=4).posterior.exponent.equals(one.posterior.exponent)


def test_curves_of_theory_without_noise_fit():
    x = np.geomspace(1e3, 1e8, 12)
    found = exponents(fit_curve(falling(0.5 + x**-0.4, x), "parameters")).sel(parameter="exponent")
    assert abs(float(found["mean"]) - 0.4) < 0.01


@pytest.mark.parametrize(
    ("curve", "over", "form", "message"),
    [
        (falling([]), "parameters", "power", "empty"),
        (falling([np.nan] * 6), "parameters", "power", "empty"),
        (falling([0.3] * 6), "parameters", "power", "constant at 0.3"),
        (falling([1, 0.5, 0, 0.2, 0.1]), "parameters", "power", "the loss at parameters = 100000 is 0"),
        (falling([1, 0.5, -2, 0.2, 0.1]), "parameters", "power", "is -2: losses must be finite and above 0"),
        (falling([1, 0.5, np.inf, 0.2, 0.1]), "parameters", "power", "is inf"),
        (falling([1, 0.5, 0.4]), "parameters", "power", "needs losses at 4 scales or more; the curve has 3"),
        (falling([1, 0.5, 0.4, 0.3]), "parameters", "broken", "needs losses at 7 scales or more; the curve has 4"),
        (falling(scale=[0, 1, 2, 3, 4, 5]), "parameters", "power", "parameters = 0 is no scale"),
        (falling(scale=[1, 2, 3, np.nan, 4, 5]), "parameters", "power", "parameters = nan is no scale"),
        (falling(scale=[1, 2, 2, 3, 4, 5]), "parameters", "power", "parameters = 2 occurs twice"),
        (falling(scale=list("abcdef")), "parameters", "power", "not numeric"),
        (falling(), "data", "power", "no dim 'data'"),
        (falling(), "parameters", "cubic", "form 'cubic' is unknown"),
        (falling(), "parameters", "joint", "over 2 dims"),
        (falling(), ("parameters", "data"), "power", "over 1 dim,"),
        ([1, 2, 3], "parameters", "power", "the curve is a list"),
    ],
)
def test_bad_curves_have_a_sentence_each(curve, over, form, message):
    with pytest.raises(ValueError, match=message) as error:
        fit_curve(curve, over, form)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: use_frequencies(0, 0.4), "quanta is 0"),
        (lambda: use_frequencies(5, -1), "alpha is -1"),
        (lambda: loss_of_learned(0, 0.4), "learned is 0"),
        (lambda: loss_of_learned(5, 0.4, case="case 3"), "case 'case 3' is unknown"),
        (lambda: loss_of_learned(5, 0.4, case="case 2", gain=9), "gain is 9"),
        (lambda: theory_exponents([0.1, np.nan]), "alpha is"),
        (lambda: learned_quanta(10, "luck", 0.4), "resource 'luck' is unknown"),
        (lambda: learned_quanta(-1, "data", 0.4), "scale is -1"),
        (lambda: joint_loss([1, 0], [1], 0.4), "scale is"),
        (lambda: fit_curve(falling(), "parameters", draws=3), "draws=3"),
        (lambda: fit_curve(falling(), "parameters", noise="studnt"), "noise 'studnt' is unknown; did you mean 'student'"),
        (lambda: compare_forms(falling(), "parameters", []), "forms is"),
        (lambda: tail_exponent([1.5] * 20), "counts hold 1.5"),
        (lambda: tail_exponent([1, 2, 3]), "too few"),
        (lambda: tail_exponent([2] * 50), "too alike"),
        (lambda: tail_exponent(range(50), quanta=10), "quanta=10"),
        (lambda: envelope_exponent(xr.DataArray(np.ones((2, 5)), dims=["n", "rank"])), "dims n_clusters and rank"),
        (lambda: envelope_exponent(xr.DataArray(np.ones((2, 5)), dims=["n_clusters", "rank"]), (4, 5)), "fewer than three"),
    ],
)
def test_bad_arguments_have_a_sentence_each(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_predictions_follow_the_dims():
    rng = np.random.default_rng(1)
    grid = joint_loss(np.geomspace(1e2, 1e5, 5), np.geomspace(1e5, 1e9, 4), 0.5, floor=0.1)
    fitted = fit_curve(grid * np.exp(0.02 * rng.normal(size=grid.shape)), ("parameters", "data"), "bottleneck")
    band = fitted_curve(fitted, dict(data=[1e6, 1e8], parameters=[1e3, 1e4, 1e5]))
    assert band.sizes == dict(parameters=3, data=2)
    truth = joint_loss(band.parameters, band.data, 0.5, floor=0.1)
    np.testing.assert_allclose(band["mean"], truth, rtol=0.06)
    with pytest.raises(ValueError, match="parameters and data"):
        fitted_curve(fitted, dict(data=[1e6]))
    doubted = fitted.copy()
    doubted.attrs |= dict(converged="no", accuracy="bad")
    assert alarm(band) is None and alarm(fitted_curve(doubted, dict(data=[1e6], parameters=[1e3]))) == "NOT CONVERGED"
    assert trust(band) == trust(fitted) and band.attrs["form"] == fitted.attrs["form"]


def test_quick_coverage():
    few = [i for i in range(40) if drawn(np.random.default_rng(i), "pure_power")[0].size <= 32][:10]
    found, failed = coverage("pure_power", few, draws=None)  # as many points and draws as other tests take: the same program
    assert found["exponent"] >= 0.7 and found["noise"] >= 0.6 and failed <= 0.1


@pytest.mark.slow
@pytest.mark.parametrize("wild", [False, True])
@pytest.mark.parametrize("form", ["power", "pure_power"])
def test_intervals_cover_the_truth(form, wild):
    found, failed = coverage(form, range(1000, 1200), wild=wild)
    print(form, found, "not converged:", failed)
    # 90 % is promised; the standard error of 200 curves is .021, and all eight shares lie within .07 in 99 of 100 sound programs
    assert all(0.83 <= share <= 0.97 for share in found.values()), found
    assert failed <= 0.03


@pytest.mark.parametrize("form", [*(pytest.param(x, marks=pytest.mark.slow) for x in ("exponential", "saturating")), "broken"])
def test_other_forms_find_themselves(form):
    rng = np.random.default_rng(0)
    x = np.geomspace(1e2, 1e6, 24)
    shape = {
        "exponential": 0.2 + np.exp(-x / 3e4),
        "saturating": 0.1 + 1 / (1 + (x / 3e3) ** 1.2),
        "broken": x**-0.1 * (1 + (x / 1e4) ** 4) ** -0.2,
    }[form]
    curve = falling(shape * np.exp(0.02 * rng.normal(size=24)), x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = fit_curve(curve, "parameters", form, draws=500)
    band = fitted_curve(fitted, x)
    np.testing.assert_allclose(band["mean"], shape, rtol=0.06)
    name, truth = {"exponential": ("scale", 3e4), "saturating": ("exponent", 1.2), "broken": ("exponent", 0.1)}[form]
    found = exponents(fitted, prob=0.997).sel(parameter=name)  # one board: a truth three sds away would be a fault
    assert found.lower < truth < found.upper
    assert set(exponents(fitted).parameter.values) == {*FORMS[form].parameters, "noise"}


@pytest.mark.slow
@pytest.mark.parametrize("samples", [1_000, 10_000, 100_000, 1_000_000])
@pytest.mark.parametrize("alpha", [0.1, 0.4, 0.8, 1.2])
def test_tail_exponent_is_unbiased_and_covers(alpha, samples):
    fits = xr.concat([tail_exponent(simulate_counts(samples, alpha, seed=i)) for i in range(200)], "repeat")
    covers = float(((fits.lower <= alpha) & (alpha <= fits.upper)).mean())
    bias, sd = float(fits.alpha.mean()) - alpha, float(fits.alpha.std())
    print(f"alpha {alpha} samples {samples}: bias {bias:.4f}, sd {sd:.4f}, coverage {covers:.3f}")
    few = float(fits.types.mean()) < 50  # then the estimate is a third of its error too high
    assert abs(bias) < (0.45 if few else 0.3) * sd and 0.83 <= covers <= 0.97


@pytest.mark.parametrize("alpha", [0.4, 1.2])
def test_finitely_many_quanta(alpha):
    fits = xr.concat([tail_exponent(simulate_counts(20_000, alpha, quanta=500, seed=i), quanta=500) for i in range(40)], "repeat")
    assert abs(float(fits.alpha.mean()) - alpha) < 0.5 * float(fits.alpha.std())
    assert ((fits.lower <= alpha) & (alpha <= fits.upper)).mean() >= 0.75


def test_small_counts_can_be_left_out():
    counts = simulate_counts(1_000_000, 0.4, seed=0)
    found = tail_exponent(counts[counts >= 20], smallest=20)
    assert found.lower < 0.4 < found.upper and found.upper - found.lower < 0.3


def test_studies_from_outside_are_cleaned(monkeypatch, tmp_path):
    header = "Paper,Date,Category,Task,Task details,Architecture,Loss,Dependent Variable,Scaling Variable 1,"
    header += "Scaling Variable 2,Exponent 1,Exponent 2\n"
    rows = '"A <script>bad()</script>\n  title",13 Sept 2022,Language,LM,,T,CE,Loss,Parameters,Data,0.5,0.3\n'
    rows += "B,31 Foo 2020,Vision,IM,,T,CE,Loss,Parameters,,0.4,\nB,31 Foo 2020,Vision,IM,,T,CE,Loss,Data,,0.2,\n"
    rows += "C,1 Jan 2020,Vision,IM,,T,CE,Loss,Parameters,Data,0.5,\nD,1 Jan 2020,V,I,,T,CE,Loss,Parameters,Data,-1,0.3\n"
    (tmp_path / "laws.csv").write_text(header + rows)
    monkeypatch.setattr("agentirt_nb.quanta.scaling_fits.fetch", lambda name: tmp_path / "laws.csv")
    table = scaling_studies()
    assert table[["parameters", "data"]].values.tolist() == [[0.5, 0.3], [0.4, 0.2]]
    assert table.fit.tolist() == ["joint", "separate"] and not table.paper.str.contains("[<>\n]").any()
    (tmp_path / "laws.csv").write_text("Paper\nA\n")
    with pytest.raises(ValueError, match="lacks the column"):
        scaling_studies()
