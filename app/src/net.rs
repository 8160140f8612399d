//! The network edge: carries one request at a time to the cloud and its answer back.

use std::sync::Arc;

use dashpoint_membership::ServerTime;
use dashpoint_sync::Event;
use dashpoint_sync_http::{Signer, Timeouts, TlsTime, Transport, TransportSetup, check_base_url};
use tokio::sync::mpsc;

use crate::clock::system_unix_ms;
use crate::config::CloudConfig;
use crate::engine::Outgoing;
use crate::error::AuthorityUnread;

/// Requests that wait: the reconciler has one on its way at most.
pub const REQUESTS_MAX: usize = 2;

/// Sets up the connection to the cloud. Its certificates are judged by the newest time that the cloud has signed.
///
/// # Errors
/// When the authority cannot be read or used, or the address is refused.
pub fn connect(cloud: &CloudConfig, floor: ServerTime) -> anyhow::Result<Transport> {
    let authority_pem = match &cloud.ca_file {
        Some(file) => Some(std::fs::read(file).map_err(|source| AuthorityUnread {
            path: file.clone(),
            source,
        })?),
        None => None,
    };
    let system = Arc::new(|| Some(system_unix_ms().div_euclid(1_000)));
    Ok(Transport::new(TransportSetup {
        base: check_base_url(&cloud.url)?,
        authority_pem,
        time: TlsTime::new(floor, system),
        timeouts: Timeouts::default(),
    })?)
}

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
