//! `dashpoint-demo proxy`: the network by hand, for testers.

use std::fmt::Display;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;

use super::faults::{DrawnFaults, Faults};
use super::relay::{Passed, Relay};

/// Stand between a car and its cloud, and let go wrong what a tester wants.
///
/// Plain HTTP, as the reference cloud speaks it. A line is printed for each request, with --json an object.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ProxyArgs {
    /// Faults, with commas in between: a status that is answered in the cloud's place (503:0.2, that is once in five),
    /// a pause before each answer (latency:2s), a connection that breaks in the body of an answer (cut:1KiB). Each may
    /// end with a chance from 0 to 1; without one it strikes each time.
    #[arg(
        long,
        value_name = "FAULTS",
        default_value = "",
        hide_default_value = true
    )]
    pub fault: Faults,
    /// Address for the cars.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8461")]
    pub listen: SocketAddr,
    /// Address of the cloud.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8460", value_parser = cloud)]
    pub to: SocketAddr,
    /// Decides what chance decides: the same seed, the same fates in the same order.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Print an object a line.
    #[arg(long)]
    pub json: bool,
}

const EXAMPLES: &str = "\
Examples:
  dashpoint-demo proxy --fault 503:0.2,latency:2s      a cloud that is busy and far away
  dashpoint-demo proxy --fault cut:1KiB:0.5            every other answer breaks off
  dashpoint-demo proxy --fault cut:0:0.3               the cloud hears, and the car never learns that it did

The car has it in place of its cloud:
  [cloud]
  url = \"http://127.0.0.1:8461\"";

fn cloud(text: &str) -> Result<SocketAddr, String> {
    let address = text.strip_prefix("http://").unwrap_or(text);
    let address = address.trim_end_matches('/');
    let has_port = address
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if !has_port || address.contains('/') {
        return Err("expected HOST:PORT of a cloud on plain HTTP".to_owned());
    }
    let unknown = |why: &dyn Display| format!("the host cannot be found: {why}");
    let mut found = address.to_socket_addrs().map_err(|error| unknown(&error))?;
    found
        .next()
        .ok_or_else(|| unknown(&"its name has no address"))
}

/// Carries until Ctrl-C.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn proxy(args: &ProxyArgs) -> anyhow::Result<()> {
    let listener = TcpListener::bind(args.listen).await;
    let listener =
        listener.with_context(|| format!("--listen {}: cannot be listened on", args.listen))?;
    let (at, to) = (listener.local_addr()?, args.to);
    let json = args.json;
    if json {
        let listening = format!("http://{at}");
        say(&json!({ "listening": listening, "cloud": format!("http://{to}") }).to_string());
    } else {
        say(&format!(
            "listening on http://{at}, the cloud is at http://{to}; Ctrl-C ends it"
        ));
    }
    let relay = Relay::new(args.to, args.fault.clone(), args.seed, move |passed| {
        if json {
            say(&object(passed).to_string());
        } else {
            say(&line(passed));
        }
    });
    tokio::select! {
        error = Arc::new(relay).serve(listener) => Err(error).context("no connection can be taken"),
        stopped = ctrl_c() => stopped.context("Ctrl-C cannot be heard"),
    }
}

fn object(passed: &Passed) -> Value {
    json!({
        "request": passed.request,
        "status": passed.status.as_u16(),
        "in_place_of_cloud": passed.fate.status.is_some(),
        "latency_ms": u64::try_from(passed.fate.latency.as_millis()).unwrap_or(u64::MAX),
        "cut_after_bytes": passed.fate.cut,
    })
}

fn line(passed: &Passed) -> String {
    let DrawnFaults {
        status,
        latency,
        cut,
    } = passed.fate;
    let mut line = format!("{:<60} {}", passed.request, passed.status.as_u16());
    if status.is_some() {
        line.push_str("  in the cloud's place");
    }
    if !latency.is_zero() {
        line.push_str(&format!("  {:.1} s later", latency.as_secs_f64()));
    }
    if let Some(after) = cut {
        line.push_str(&format!("  cut after {after} bytes"));
    }
    line
}

#[expect(clippy::print_stdout, reason = "what the tester reads")]
fn say(line: &str) {
    println!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cloud_is_an_address_with_or_without_its_scheme() {
        for text in ["127.0.0.1:8460", "http://127.0.0.1:8460/", "localhost:8460"] {
            assert_eq!(cloud(text).unwrap().port(), 8460, "{text}");
        }
        for text in ["", "here", "https://127.0.0.1:8460"] {
            assert!(cloud(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_program_reads_what_became_of_a_request() {
        let passed = Passed {
            request: "GET /healthz".to_owned(),
            status: hyper::StatusCode::SERVICE_UNAVAILABLE,
            fate: DrawnFaults {
                status: Some(hyper::StatusCode::SERVICE_UNAVAILABLE),
                latency: std::time::Duration::from_millis(200),
                cut: Some(512),
            },
        };
        let expected = json!({
            "request": "GET /healthz",
            "status": 503,
            "in_place_of_cloud": true,
            "latency_ms": 200,
            "cut_after_bytes": 512,
        });
        assert_eq!(object(&passed), expected);
    }

    #[test]
    fn a_host_that_is_not_there_is_told_from_an_address_that_is_none() {
        let cloud_at = SocketAddr::from(([127, 0, 0, 1], 8_460));
        assert_eq!(cloud("http://127.0.0.1:8460/"), Ok(cloud_at));
        for text in ["", "127.0.0.1", "127.0.0.1:eight", "https://localhost:8460"] {
            let refused = cloud(text).unwrap_err();
            assert!(
                refused.starts_with("expected HOST:PORT"),
                "{text}: {refused}"
            );
        }
        let refused = cloud("no-such-cloud.invalid:8460").unwrap_err();
        assert!(
            refused.starts_with("the host cannot be found: "),
            "{refused}"
        );
    }
}
