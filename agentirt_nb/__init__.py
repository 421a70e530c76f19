"""How able is an LLM agent, how much of it is the LLM and how much the scaffold, and how sure can we be?

The verbs of the tutorials, in the order of use. Each is loaded when it is first used.
"""

import sys as _sys

__version__ = "0.1.0"

# what a person does, in order -> module -> the names that it gives
_STEPS = {
    "load": {
        "leaderboards": "list_leaderboards load_leaderboard load_snapshot agent_registry",
        "features": "published_features",
        "embeddings": "published_embeddings",
        "texts": "task_texts",
        "outcomes": "open_outcomes save_outcomes",
        "scaling_fits": "scaling_studies",
        "language_model": "load_language_curves",
    },
    "build": {
        "building": "from_long from_wide from_dicts from_arrays",
        "joining": "combine drop_unobserved",
        "describing": "describe",
        "features": "attach_features",
        "texts": "static_features",
        "embeddings": "embed",
        "judge": "judge_cost judge_tasks",
        "leaderboards": "simulate_outcomes",
        "quanta_simulation": "simulate_quanta",
        "sparse_parity": "parity_tasks draw_samples",
    },
    "fit": {
        "inference": "fit save_fit open_fit",
        "models": "Priors",
        "task_quanta": "fit_tasks",
        "scaling_fits": "fit_curve",
        "sparse_parity": "train_parity",
    },
    "summarise": {
        "inference": "summarise",
        "task_quanta": "compare_curves difficulty_tail trial_shares",
        "llm_and_scaffold": "compare_combinations",
        "skill_order": "reversal_rates",
        "emergence": "failure_law compare_exponents frontier_trend",
        "theory": "theory_exponents loss_of_learned",
        "scaling_fits": "exponents fitted_curve",
        "sparse_parity": "network network_loss learning_times learning_time_exponent",
        "quanta_discovery": "sample_losses sample_gradients similarity cluster_quanta",
    },
    "predict": {
        "prediction": "predict expected_pass_rate ability_draws task_draws described feature_effects",
        "evaluation": "cross_validate evaluate reliability",
        "emergence": "forecast_check",
    },
    "score": {
        "prediction": "score",
    },
    "chart": {
        "charts": "ability_ladder wright_map item_characteristic_curve interval_ladder reliability_curve headline setup_charts save_chart",
        "curve_charts": "comparison_chart tail_chart trials_chart",
        "order_charts": "reversal_chart",
        "emergence_charts": "frontier_chart failure_chart exponent_sides_chart",
        "quanta_charts": "scaling_chart subtask_chart learning_time_chart",
    },
    "explore": {
        "widgets": "WhatIf",
        "emergence_charts": "ScalingWhatIf",
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
