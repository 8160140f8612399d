//! The network edge: carries one request at a time to the cloud and its answer back.

use dashpoint_sync::Event;
use dashpoint_sync_http::{Signer, Transport};
use tokio::sync::mpsc;

use crate::engine::Outgoing;

/// Requests that wait: the reconciler has one on its way at most.
pub const REQUESTS_MAX: usize = 2;

/// Sends requests until the engine is gone.
pub async fn run(
    transport: Transport,
    signer: Option<Signer>,
    mut requests: mpsc::Receiver<Outgoing>,
    answers: mpsc::Sender<Event>,
) {
    while let Some(Outgoing {
        ticket,
        request,
        unix_s,
        signed_at,
    }) = requests.recv().await
    {
        transport.signed(signed_at);
        let answer = transport
            .send(&request, signer.as_ref(), unix_s)
            .await
            .map_err(|error| {
                tracing::debug!(error = &error as &dyn std::error::Error, "no answer");
                error.failure()
            });
        if answers
            .send(Event::Answered { ticket, answer })
            .await
            .is_err()
        {
            return;
        }
    }
}
