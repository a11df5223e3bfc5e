//! Answers HTTP on a listener: clients that dawdle are cut off, and a stop lets requests under way end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::metrics::{Gauge, Metric};
use crate::state::AppState;

/// The whole head of a request must have come by then, or the connection closes.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Requests under way get this long at a stop. Long polls answer at once, so it is for uploads.
const DRAIN: Duration = Duration::from_secs(20);
/// After `accept` failed, for want of file descriptors as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// More wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 4_096;

/// Serves until `stop`, then ends what is under way and returns.
pub async fn serve(listener: TcpListener, router: Router, state: AppState, stop: CancellationToken) -> io::Result<()> {
    let connections = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let draining = GracefulShutdown::new();
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    http.http2().timer(TokioTimer::new()).keep_alive_interval(HEAD_TIMEOUT).max_concurrent_streams(100);
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = Arc::clone(&connections).acquire_owned() => place,
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let socket = match accepted {
            Ok((socket, _)) => socket,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "A connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Answers are small and written whole: waiting to fill a packet only delays them.
        let _ = socket.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let connection = draining.watch(http.serve_connection(TokioIo::new(socket), service).into_owned());
        tokio::spawn(async move {
            let _place = place;
            let _open = Gauge::raise(Metric::HttpConnections);
            // How a connection ends is the client's business.
            let _ = connection.await;
        });
    }
    state.stopping.cancel();
    if tokio::time::timeout(DRAIN, draining.shutdown()).await.is_err() {
        tracing::warn!("Some requests were still under way after {} s and are cut off", DRAIN.as_secs());
    }
    Ok(())
}
