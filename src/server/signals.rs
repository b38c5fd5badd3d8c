//! What signals do to the server.
//!
//! | signal  | effect                                                                                                  |
//! |---------|---------------------------------------------------------------------------------------------------------|
//! | SIGTERM | `/readyz` says 503 at once; for `shutdown_grace` new requests are served; then those in flight are finished |
//! | SIGINT  | from a terminal, where no load balancer has to notice: the same without the grace                        |
//! | another | SIGTERM or SIGINT after that ends the process at once                                                    |
//! | SIGHUP  | nothing: settings are read at a start, and logs go to standard error                                     |

use std::{io, process, time::Duration};

use actix_web::dev;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{app::State, http::health::Stopping};

/// The signals that the server heeds, from the moment of its creation.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// A signal that ends the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StopSignal {
    Terminate,
    Interrupt,
}

impl StopSignal {
    /// The exit code of a process that it ended, as shells have it.
    fn exit_code(self) -> i32 {
        128 + match self {
            Self::Terminate => SignalKind::terminate().as_raw_value(),
            Self::Interrupt => SignalKind::interrupt().as_raw_value(),
        }
    }
}

impl Signals {
    /// Heeds them from now on. `None`: the system does not let it.
    pub(super) fn heed() -> Option<Self> {
        let all = Self::new();
        all.inspect_err(|error| tracing::error!(%error, "signals cannot be received")).ok()
    }

    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next signal that ends the server.
    async fn stop(&mut self) -> StopSignal {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return StopSignal::Terminate,
                _ = self.interrupt.recv() => return StopSignal::Interrupt,
                _ = self.hangup.recv() => {
                    tracing::info!("SIGHUP changes nothing: restart the server for new settings");
                }
            }
        }
    }
}

/// Stops the server on a signal, and ends the process on another one. `grace` is how long new requests are served after
/// SIGTERM.
pub(super) async fn stop_on_signal(
    mut signals: Signals,
    server: dev::ServerHandle,
    state: State,
    stopping: Stopping,
    grace: Duration,
) {
    let first = signals.stop().await;
    stopping.announce();
    let finish = async move {
        if first == StopSignal::Terminate && !grace.is_zero() {
            tracing::info!(
                seconds = grace.as_secs_f64(),
                "stopping: not ready any more, and serving while that is noticed"
            );
            tokio::time::sleep(grace).await;
        }
        tracing::info!("stopping: finishing the requests in flight");
        state.bulk_executor.stop();
        server.stop(true).await;
        std::future::pending().await
    };
    tokio::select! {
        () = finish => {}
        again = signals.stop() => {
            tracing::warn!("stopped by a second signal: what was in flight is lost");
            process::exit(again.exit_code());
        }
    }
}
