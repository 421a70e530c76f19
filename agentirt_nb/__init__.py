"""How able is an LLM agent, how much of it is the LLM and how much the scaffold, and how sure can we be?

The verbs of the tutorials, in the order of use. Each is loaded when it is first used.
"""

import sys as _sys

__version__ = "0.1.0"

# what a person does, in order -> module -> the names that it gives
_STEPS = {
    "load": {
        "data.leaderboards": "list_leaderboards load_leaderboard agent_registry",
        "irt.snapshot": "load_snapshot",
        "data.features": "published_features",
        "data.embeddings": "published_embeddings",
        "data.texts": "task_texts",
        "data.reading": "read_outcomes",
        "data.reading_reports": "reading_report",
        "data.log_outcomes": "outcomes_from_logs log_formats log_fields",
        "data.outcomes": "open_outcomes save_outcomes",
        "quanta.scaling_fits": "scaling_studies",
        "quanta.language_model": "load_language_curves",
    },
    "build": {
        "data.building": "from_long from_wide from_dicts from_arrays",
        "data.tables": "outcomes_from_table suggest_names rename_labels",
        "data.joining": "combine drop_unobserved",
        "data.exporting": "export_outcomes",
        "data.describing": "describe",
        "data.features": "attach_features",
        "data.texts": "static_features",
        "data.embeddings": "embed",
        "data.judge": "judge_cost judge_tasks",
        "irt.snapshot": "simulate_outcomes",
        "quanta.simulation": "simulate_quanta",
        "quanta.worlds": "compare_worlds",
        "quanta.sparse_parity": "parity_tasks draw_samples",
    },
    "fit": {
        "irt.inference": "fit",
        "irt.fits": "save_fit open_fit",
        "irt.designs": "Priors",
        "quanta.task_fits": "fit_tasks",
        "quanta.scaling_fits": "fit_curve",
        "quanta.sparse_parity": "train_parity",
    },
    "summarise": {
        "irt.fits": "summarise trust",
        "irt.screens": "adequacy_of",
        "irt.tables": "ladder",
        "irt.horizons": "time_horizon",
        "irt.item_fit": "task_statistics local_dependence",
        "irt.person_fit": "agent_statistics surprises leaked_tasks",
        "irt.diagnosis": "diagnose task_report runs_of",
        "irt.comparison": "compare compare_all deciding_tasks side_by_side variance_shares check_order tasks_to_tell",
        "irt.differences": "differential_functioning group_shifts",
        "irt.soundness": (
            "score_reliability test_information saturation dimensionality predictive_checks loo_of prior_sensitivity negative_control"
        ),
        "quanta.task_fits": "compare_curves trial_shares",
        "quanta.difficulty_tails": "difficulty_tail",
        "irt.combinations": "compare_combinations",
        "quanta.skill_order": "reversal_rates",
        "quanta.failure": "failure_law compare_exponents",
        "quanta.forecasts": "frontier_trend",
        "quanta.theory": "theory_exponents loss_of_learned",
        "quanta.scaling_fits": "exponents fitted_curve",
        "quanta.sparse_parity": "network network_loss learning_times learning_time_exponent",
        "quanta.discovery": "sample_losses sample_gradients similarity cluster_quanta",
    },
    "predict": {
        "irt.prediction": "predict ability_draws task_draws described feature_effects",
        "irt.rates": "expected_pass_rate chance_ahead",
        "irt.evaluation": "cross_validate evaluate reliability",
        "quanta.forecasts": "emergence forecast_check",
    },
    "score": {
        "irt.scoring": "score score_on_bank",
    },
    "choose": {
        "irt.session_model": "session_prior choose",
        "irt.sessions": "AdaptiveSession session_result session_outcomes session_contrast replay",
        "irt.sequential": "contrast",
        "irt.replays": "simulate_sessions replay_sessions session_errors random_error",
    },
    "design": {
        "irt.drafts": ("share_passed frontier_zones agents_to_run keep_runs interval_width covered forecast_worth foreseen"),
        "irt.benchmark_design": "design_benchmark plan_runs",
        "irt.fixed_sets": "mini_benchmark save_task_set open_task_set score_by_set anchor_set score_by_curve",
    },
    "chart": {
        "views.theme": "setup_charts save_chart",
        "views.ladders": "ability_ladder interval_ladder",
        "views.comparison_charts": "difference_chart pair_matrix power_chart",
        "views.item_charts": "dependence_network task_fit_chart agent_fit_chart",
        "views.soundness_charts": "information_chart saturation_chart shift_chart",
        "views.selection_charts": "mini_benchmark_chart session_chart budget_chart",
        "views.horizon_charts": "horizon_chart",
        "views.maps": "wright_map",
        "views.response_curves": "item_characteristic_curve",
        "views.reliability_charts": "reliability_curve",
        "views.labels": "headline",
        "views.curve_charts": "comparison_chart tail_chart trials_chart",
        "views.order_charts": "reversal_chart",
        "views.frontier_charts": "frontier_chart failure_chart exponent_sides_chart forecast_chart",
        "views.draft_charts": "zone_chart",
        "views.world_charts": "worlds_chart",
        "views.scaling_charts": "scaling_chart",
        "views.quanta_charts": "subtask_chart learning_time_chart",
    },
    "report": {
        "app.page": "report",
    },
    "explore": {
        "views.explorers": "WhatIf",
        "views.session_panel": "SessionPanel",
        "views.frontier_explorer": "ScalingWhatIf",
    },
}

_HOMES = {name: module for step in _STEPS.values() for module, names in step.items() for name in names.split()}

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    "The verb `name`, with a docstring that explains its arguments."
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=_sys.modules[__name__])
    from importlib import import_module

    from agentirt_nb.face import explain

    verb = explain(getattr(import_module(f"{__name__}.{_HOMES[name]}"), name))
    globals()[name] = verb
    return verb


def __dir__() -> list[str]:
    "The verbs, and nothing else."
    return list(__all__)


if _shell := getattr(_sys.modules.get("IPython"), "get_ipython", lambda: None)():
    from agentirt_nb.face import offer_in_order as _offer_in_order

    _offer_in_order(__name__, __all__, _shell)
