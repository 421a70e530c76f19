# Written by tools/make_stub.py from the table in __init__.py; edit that.

# load
from agentirt_nb.data.leaderboards import list_leaderboards as list_leaderboards
from agentirt_nb.data.leaderboards import load_leaderboard as load_leaderboard
from agentirt_nb.data.leaderboards import agent_registry as agent_registry
from agentirt_nb.irt.snapshot import load_snapshot as load_snapshot
from agentirt_nb.data.features import published_features as published_features
from agentirt_nb.data.embeddings import published_embeddings as published_embeddings
from agentirt_nb.data.texts import task_texts as task_texts
from agentirt_nb.data.reading import read_outcomes as read_outcomes
from agentirt_nb.data.reading_reports import reading_report as reading_report
from agentirt_nb.data.log_outcomes import outcomes_from_logs as outcomes_from_logs
from agentirt_nb.data.log_outcomes import log_formats as log_formats
from agentirt_nb.data.log_outcomes import log_fields as log_fields
from agentirt_nb.data.outcomes import open_outcomes as open_outcomes
from agentirt_nb.data.outcomes import save_outcomes as save_outcomes
from agentirt_nb.quanta.scaling_fits import scaling_studies as scaling_studies
from agentirt_nb.quanta.language_model import load_language_curves as load_language_curves

# build
from agentirt_nb.data.building import from_long as from_long
from agentirt_nb.data.building import from_wide as from_wide
from agentirt_nb.data.building import from_dicts as from_dicts
from agentirt_nb.data.building import from_arrays as from_arrays
from agentirt_nb.data.tables import outcomes_from_table as outcomes_from_table
from agentirt_nb.data.tables import suggest_names as suggest_names
from agentirt_nb.data.tables import rename_labels as rename_labels
from agentirt_nb.data.joining import combine as combine
from agentirt_nb.data.joining import drop_unobserved as drop_unobserved
from agentirt_nb.data.exporting import export_outcomes as export_outcomes
from agentirt_nb.data.describing import describe as describe
from agentirt_nb.data.features import attach_features as attach_features
from agentirt_nb.data.texts import static_features as static_features
from agentirt_nb.data.embeddings import embed as embed
from agentirt_nb.data.judge import judge_cost as judge_cost
from agentirt_nb.data.judge import judge_tasks as judge_tasks
from agentirt_nb.irt.snapshot import simulate_outcomes as simulate_outcomes
from agentirt_nb.quanta.simulation import simulate_quanta as simulate_quanta
from agentirt_nb.quanta.worlds import compare_worlds as compare_worlds
from agentirt_nb.quanta.sparse_parity import parity_tasks as parity_tasks
from agentirt_nb.quanta.sparse_parity import draw_samples as draw_samples

# fit
from agentirt_nb.irt.inference import fit as fit
from agentirt_nb.irt.fits import save_fit as save_fit
from agentirt_nb.irt.fits import open_fit as open_fit
from agentirt_nb.irt.designs import Priors as Priors
from agentirt_nb.quanta.task_fits import fit_tasks as fit_tasks
from agentirt_nb.quanta.scaling_fits import fit_curve as fit_curve
from agentirt_nb.quanta.sparse_parity import train_parity as train_parity

# summarise
from agentirt_nb.irt.fits import summarise as summarise
from agentirt_nb.irt.fits import trust as trust
from agentirt_nb.irt.screens import adequacy_of as adequacy_of
from agentirt_nb.irt.tables import ladder as ladder
from agentirt_nb.irt.horizons import time_horizon as time_horizon
from agentirt_nb.irt.item_fit import task_statistics as task_statistics
from agentirt_nb.irt.item_fit import local_dependence as local_dependence
from agentirt_nb.irt.person_fit import agent_statistics as agent_statistics
from agentirt_nb.irt.person_fit import surprises as surprises
from agentirt_nb.irt.person_fit import leaked_tasks as leaked_tasks
from agentirt_nb.irt.diagnosis import diagnose as diagnose
from agentirt_nb.irt.diagnosis import task_report as task_report
from agentirt_nb.irt.diagnosis import runs_of as runs_of
from agentirt_nb.irt.comparison import compare as compare
from agentirt_nb.irt.comparison import compare_all as compare_all
from agentirt_nb.irt.comparison import deciding_tasks as deciding_tasks
from agentirt_nb.irt.comparison import side_by_side as side_by_side
from agentirt_nb.irt.comparison import variance_shares as variance_shares
from agentirt_nb.irt.comparison import check_order as check_order
from agentirt_nb.irt.comparison import tasks_to_tell as tasks_to_tell
from agentirt_nb.irt.differences import differential_functioning as differential_functioning
from agentirt_nb.irt.differences import group_shifts as group_shifts
from agentirt_nb.irt.soundness import score_reliability as score_reliability
from agentirt_nb.irt.soundness import test_information as test_information
from agentirt_nb.irt.soundness import saturation as saturation
from agentirt_nb.irt.soundness import dimensionality as dimensionality
from agentirt_nb.irt.soundness import predictive_checks as predictive_checks
from agentirt_nb.irt.soundness import loo_of as loo_of
from agentirt_nb.irt.soundness import prior_sensitivity as prior_sensitivity
from agentirt_nb.irt.soundness import negative_control as negative_control
from agentirt_nb.quanta.task_fits import compare_curves as compare_curves
from agentirt_nb.quanta.task_fits import trial_shares as trial_shares
from agentirt_nb.quanta.difficulty_tails import difficulty_tail as difficulty_tail
from agentirt_nb.irt.combinations import compare_combinations as compare_combinations
from agentirt_nb.quanta.skill_order import reversal_rates as reversal_rates
from agentirt_nb.quanta.failure import failure_law as failure_law
from agentirt_nb.quanta.failure import compare_exponents as compare_exponents
from agentirt_nb.quanta.forecasts import frontier_trend as frontier_trend
from agentirt_nb.quanta.theory import theory_exponents as theory_exponents
from agentirt_nb.quanta.theory import loss_of_learned as loss_of_learned
from agentirt_nb.quanta.scaling_fits import exponents as exponents
from agentirt_nb.quanta.scaling_fits import fitted_curve as fitted_curve
from agentirt_nb.quanta.sparse_parity import network as network
from agentirt_nb.quanta.sparse_parity import network_loss as network_loss
from agentirt_nb.quanta.sparse_parity import learning_times as learning_times
from agentirt_nb.quanta.sparse_parity import learning_time_exponent as learning_time_exponent
from agentirt_nb.quanta.discovery import sample_losses as sample_losses
from agentirt_nb.quanta.discovery import sample_gradients as sample_gradients
from agentirt_nb.quanta.discovery import similarity as similarity
from agentirt_nb.quanta.discovery import cluster_quanta as cluster_quanta

# predict
from agentirt_nb.irt.prediction import predict as predict
from agentirt_nb.irt.prediction import ability_draws as ability_draws
from agentirt_nb.irt.prediction import task_draws as task_draws
from agentirt_nb.irt.prediction import described as described
from agentirt_nb.irt.prediction import feature_effects as feature_effects
from agentirt_nb.irt.rates import expected_pass_rate as expected_pass_rate
from agentirt_nb.irt.rates import chance_ahead as chance_ahead
from agentirt_nb.irt.evaluation import cross_validate as cross_validate
from agentirt_nb.irt.evaluation import evaluate as evaluate
from agentirt_nb.irt.evaluation import reliability as reliability
from agentirt_nb.quanta.forecasts import emergence as emergence
from agentirt_nb.quanta.forecasts import forecast_check as forecast_check

# score
from agentirt_nb.irt.scoring import score as score
from agentirt_nb.irt.scoring import score_on_bank as score_on_bank

# choose
from agentirt_nb.irt.session_model import session_prior as session_prior
from agentirt_nb.irt.session_model import choose as choose
from agentirt_nb.irt.sessions import AdaptiveSession as AdaptiveSession
from agentirt_nb.irt.sessions import session_result as session_result
from agentirt_nb.irt.sessions import session_outcomes as session_outcomes
from agentirt_nb.irt.sessions import session_contrast as session_contrast
from agentirt_nb.irt.sessions import replay as replay
from agentirt_nb.irt.sequential import contrast as contrast
from agentirt_nb.irt.replays import simulate_sessions as simulate_sessions
from agentirt_nb.irt.replays import replay_sessions as replay_sessions
from agentirt_nb.irt.replays import session_errors as session_errors
from agentirt_nb.irt.replays import random_error as random_error

# design
from agentirt_nb.irt.drafts import share_passed as share_passed
from agentirt_nb.irt.drafts import frontier_zones as frontier_zones
from agentirt_nb.irt.drafts import agents_to_run as agents_to_run
from agentirt_nb.irt.drafts import keep_runs as keep_runs
from agentirt_nb.irt.drafts import interval_width as interval_width
from agentirt_nb.irt.drafts import covered as covered
from agentirt_nb.irt.drafts import forecast_worth as forecast_worth
from agentirt_nb.irt.drafts import foreseen as foreseen
from agentirt_nb.irt.benchmark_design import design_benchmark as design_benchmark
from agentirt_nb.irt.benchmark_design import plan_runs as plan_runs
from agentirt_nb.irt.fixed_sets import mini_benchmark as mini_benchmark
from agentirt_nb.irt.fixed_sets import save_task_set as save_task_set
from agentirt_nb.irt.fixed_sets import open_task_set as open_task_set
from agentirt_nb.irt.fixed_sets import score_by_set as score_by_set
from agentirt_nb.irt.fixed_sets import anchor_set as anchor_set
from agentirt_nb.irt.fixed_sets import score_by_curve as score_by_curve

# chart
from agentirt_nb.views.theme import setup_charts as setup_charts
from agentirt_nb.views.theme import save_chart as save_chart
from agentirt_nb.views.ladders import ability_ladder as ability_ladder
from agentirt_nb.views.ladders import interval_ladder as interval_ladder
from agentirt_nb.views.comparison_charts import difference_chart as difference_chart
from agentirt_nb.views.comparison_charts import pair_matrix as pair_matrix
from agentirt_nb.views.comparison_charts import power_chart as power_chart
from agentirt_nb.views.item_charts import dependence_network as dependence_network
from agentirt_nb.views.item_charts import task_fit_chart as task_fit_chart
from agentirt_nb.views.item_charts import agent_fit_chart as agent_fit_chart
from agentirt_nb.views.soundness_charts import information_chart as information_chart
from agentirt_nb.views.soundness_charts import saturation_chart as saturation_chart
from agentirt_nb.views.soundness_charts import shift_chart as shift_chart
from agentirt_nb.views.selection_charts import mini_benchmark_chart as mini_benchmark_chart
from agentirt_nb.views.selection_charts import session_chart as session_chart
from agentirt_nb.views.selection_charts import budget_chart as budget_chart
from agentirt_nb.views.horizon_charts import horizon_chart as horizon_chart
from agentirt_nb.views.maps import wright_map as wright_map
from agentirt_nb.views.response_curves import item_characteristic_curve as item_characteristic_curve
from agentirt_nb.views.reliability_charts import reliability_curve as reliability_curve
from agentirt_nb.views.labels import headline as headline
from agentirt_nb.views.curve_charts import comparison_chart as comparison_chart
from agentirt_nb.views.curve_charts import tail_chart as tail_chart
from agentirt_nb.views.curve_charts import trials_chart as trials_chart
from agentirt_nb.views.order_charts import reversal_chart as reversal_chart
from agentirt_nb.views.frontier_charts import frontier_chart as frontier_chart
from agentirt_nb.views.frontier_charts import failure_chart as failure_chart
from agentirt_nb.views.frontier_charts import exponent_sides_chart as exponent_sides_chart
from agentirt_nb.views.frontier_charts import forecast_chart as forecast_chart
from agentirt_nb.views.draft_charts import zone_chart as zone_chart
from agentirt_nb.views.world_charts import worlds_chart as worlds_chart
from agentirt_nb.views.scaling_charts import scaling_chart as scaling_chart
from agentirt_nb.views.quanta_charts import subtask_chart as subtask_chart
from agentirt_nb.views.quanta_charts import learning_time_chart as learning_time_chart

# report
from agentirt_nb.app.page import report as report

# explore
from agentirt_nb.views.explorers import WhatIf as WhatIf
from agentirt_nb.views.session_panel import SessionPanel as SessionPanel
from agentirt_nb.views.frontier_explorer import ScalingWhatIf as ScalingWhatIf

__version__: str
