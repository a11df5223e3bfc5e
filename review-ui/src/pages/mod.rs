//! Every page and form of the desk, one file each.

mod ahead;
mod arrange;
mod cancel;
mod claim_types;
mod correct;
mod evidence;
mod help;
mod history;
mod item;
mod keys;
mod live;
mod me;
mod measured;
mod numbers;
mod oidc;
mod opening;
mod operations;
mod policy;
mod queue;
mod signin;
mod submit;
mod team;
mod tenant;
mod text;
mod verification;
mod verifications;
mod webhook;
mod webhooks;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use crate::problem::Problem;
use crate::state::AppState;
use crate::{edge, statics};

/// The desk's routes.
pub fn router(state: AppState) -> Router {
    Router::new()
        .route("/", get(queue::page))
        .route("/queue/next", post(queue::next))
        .route("/queue/ahead", get(ahead::ahead))
        .route("/queue/arrange", post(arrange::arrange))
        .route("/reviews/{id}", get(item::page).post(item::decide))
        .route("/reviews/{id}/after", get(item::after))
        .route("/reviews/{id}/before", get(item::before))
        .route("/reviews/{id}/take", post(item::take))
        .route("/reviews/{id}/take-over", post(item::take_over))
        .route("/reviews/{id}/keep", post(item::keep))
        .route("/reviews/{id}/again", post(item::again))
        .route("/reviews/{id}/give-back", post(item::give_back))
        .route("/reviews/{id}/skip", post(item::skip))
        .route("/reviews/{id}/ask", post(item::ask))
        .route("/reviews/{id}/beat", post(item::beat))
        .route("/reviews/{id}/time", post(item::spend))
        .route("/reviews/{id}/comments", post(item::comment))
        .route("/reviews/{id}/comments/{comment}/resolve", post(item::resolve))
        .route("/me", get(me::page))
        .route("/me/numbers", get(numbers::page))
        .route("/team", get(team::page))
        .route("/verifications", get(verifications::page))
        .route("/verifications/{id}", get(verification::page))
        .route("/verifications/{id}/comments", get(history::comments).post(verification::comment))
        .route("/verifications/{id}/comments/{comment}/resolve", post(verification::resolve))
        .route("/verifications/{id}/steps", get(history::steps))
        .route("/verifications/{id}/cancel", get(cancel::ask).post(cancel::send))
        .route("/verifications/{id}/correct", get(correct::page).post(correct::send))
        .route("/verifications/{id}/evidence", post(submit::add).layer(DefaultBodyLimit::max(submit::LARGEST_FORM)))
        .route("/evidence/{id}/pages/{page}", get(evidence::page))
        .route("/evidence/{id}/pages/{page}/words", get(text::words))
        .route("/evidence/{id}/pages/{page}/text", get(text::page))
        .route("/evidence/{id}/content", get(evidence::content))
        .route("/submit", get(submit::choose))
        .route("/submit/{claim_type}", get(submit::page).post(submit::send).layer(DefaultBodyLimit::max(submit::LARGEST_FORM)))
        .route("/claim-types", get(claim_types::page))
        .route("/operations", get(operations::page))
        .route("/policy", get(policy::page).post(policy::save))
        .route("/keys", get(keys::page).post(keys::create))
        .route("/keys/{id}/revoke", get(keys::ask).post(keys::revoke))
        .route("/webhooks", get(webhooks::page).post(webhooks::create))
        .route("/webhooks/{id}", get(webhook::page).post(webhook::change))
        .route("/webhooks/{id}/test", post(webhook::test))
        .route("/webhooks/{id}/rotate", post(webhook::rotate))
        .route("/webhooks/{id}/on", post(webhook::on))
        .route("/webhooks/{id}/off", post(webhook::off_by_hand))
        .route("/webhooks/{id}/delete", post(webhook::delete))
        .route("/webhooks/{id}/deliveries/{delivery}/retry", post(webhook::retry))
        .route("/live", get(live::stream))
        .route("/live/now", get(live::now))
        .route("/help", get(help::page).post(help::save))
        .route("/help/keys", get(help::keys))
        .route("/tenant", get(tenant::page).post(tenant::change))
        .route("/signin", get(signin::page).post(signin::enter))
        .route("/signin/oidc", get(oidc::begin))
        .route("/signin/oidc/callback", get(oidc::callback))
        .route("/signout", post(signin::leave))
        .route("/signout/provider", get(oidc::leave))
        .route("/static/{version}/{name}", get(statics::serve))
        .fallback(async || Problem::NotFound)
        .layer(middleware::from_fn_with_state(state.clone(), edge::framed))
        .layer(CatchPanicLayer::custom(edge::panicked))
        .layer(middleware::from_fn_with_state(state.clone(), edge::headers))
        .layer(middleware::from_fn(edge::counted))
        .with_state(state)
}
