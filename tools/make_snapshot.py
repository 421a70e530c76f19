"""Fit the four leaderboards jointly and write the snapshot that ships with the package.

Run it in an environment with the package, with the data folder set or the network up:

    python tools/make_snapshot.py

It writes agentirt_nb/shipped/snapshot.nc: every fifth draw of the default fit, rounded to hundredths of a logit, with the
labels of agents and tasks and which cells were run. Outcomes themselves are not in it.
"""

from importlib import resources
from pathlib import Path

import xarray as xr

from agentirt_nb.data.leaderboards import load_leaderboard
from agentirt_nb.files import seal, write_atomically
from agentirt_nb.irt.inference import fit

BOARDS = ["swebench_verified", "swebench_pro", "terminal_bench", "gso"]
STEP, UNIT = 5, 0.01  # keep every fifth draw; a hundredth of a logit


def main() -> None:
    posterior_fit = fit(load_leaderboard(BOARDS), seed=0, draws=1000)
    posterior = posterior_fit.posterior.to_dataset().isel(draw=slice(None, None, STEP)).drop_vars("draw")
    observed = posterior_fit.observed_data.to_dataset()[["trials"]].astype("int8")
    tree = xr.DataTree.from_dict(dict(posterior=posterior, observed_data=observed))
    tree.attrs = posterior_fit.attrs | dict(
        kind="snapshot",
        draws=posterior.sizes["draw"],
        verdict=posterior_fit.attrs["verdict"] + " Snapshot that ships with the package; outcomes are not included.",
    )
    packed = {
        name: dict(dtype="int16", _FillValue=-32768, scale_factor=UNIT, zlib=True, complevel=9) for name in posterior.data_vars
    }
    cells = dict(trials=dict(zlib=True, complevel=9))
    target = Path(str(resources.files("agentirt_nb"))) / "shipped" / "snapshot.nc"
    with write_atomically(target) as temporary:
        tree.to_netcdf(temporary, engine="h5netcdf", encoding={"/posterior": packed, "/observed_data": cells})
        seal(temporary)
    print(f"{target.name}: {target.stat().st_size / 1e3:.0f} kB, {posterior.sizes['draw']} draws; {tree.attrs['verdict']}")


if __name__ == "__main__":
    main()
