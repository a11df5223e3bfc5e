//! The names of everything that serving counts, in one place; every one has the label `model`. Dashboards and alerts read them, so they do
//! not change.

/// Items that wait for their batch.
pub(super) const DEPTH: &str = "assay_model_queue_items";
/// Their cost: columns of pixels, tokens.
pub(super) const DEPTH_COST: &str = "assay_model_queue_cost";
/// Seconds from admission to the batch; label `priority`.
pub(super) const WAIT_SECONDS: &str = "assay_model_wait_seconds";
/// Seconds that a batch ran, halving after a failure included.
pub(super) const BATCH_SECONDS: &str = "assay_model_batch_seconds";
/// How full a batch was, 0 to 1: the larger of its share of the items and of the cost.
pub(super) const FILL: &str = "assay_model_batch_fill_ratio";
/// Cost that was run; label `kind`: `useful` (its rate is the tokens per second) or `padding` (its share of both is the waste).
pub(super) const COST: &str = "assay_model_cost_total";
/// Items that left; label `outcome`: `answered`, `failed`, `panicked`, `unavailable`, `expired`, `canceled`, `stopped`.
pub(super) const ITEMS: &str = "assay_model_items_total";
/// Items that were not taken; label `reason`: `tenant` and `total` (permits that ran out), `too_large`.
pub(super) const REFUSED: &str = "assay_model_refused_total";
/// Times that a model was loaded again after a panic; label `outcome`: `loaded` or `failed`.
pub(super) const RELOADS: &str = "assay_model_reloads_total";
