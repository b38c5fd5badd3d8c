//! Stops the server on a signal.

use actix_web::dev;

use crate::app::State;

pub(super) async fn stop_on_signal(server: dev::ServerHandle, state: State) {
    signal().await;
    tracing::info!("stopping: finishing the requests in flight");
    state.bulk_executor.stop();
    let forced = {
        let server = server.clone();
        tokio::spawn(async move {
            signal().await;
            server.stop(false).await;
        })
    };
    server.stop(true).await;
    forced.abort();
}

/// Waits for Ctrl-C or SIGTERM.
async fn signal() {
    let interrupt = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => drop(interrupt.await),
    }
}
