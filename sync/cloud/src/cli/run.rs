//! Does what was said on the command line.

use std::io::Write;

use clap::CommandFactory;
use dashpoint_membership::{BindingId, DeviceId, LedgerVersion, MemberId};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::args::{self, CloudArgs, CloudCommand};
use super::edge::Edge;
use super::error::CliError;
use super::names::Names;
use super::show::counted;
use super::{decide, devices, meters, policy, restored, show};
use crate::backup::restore;
use crate::clock::system_now;
use crate::connections::Limits;
use crate::core::{Approval, CloudCore, GrantedIds, NamedMember, NewMember, Word};
use crate::error::CloudError;
use crate::random;
use crate::server::{Cloud, ServerConfig, init};
use crate::store::ExpirySpan;

pub(super) fn run(
    args: CloudArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), CliError> {
    if let CloudCommand::Serve(serve) = args.command {
        log_to_stderr(&args.logging);
        return self::serve(args.data, args.json, serve, out);
    }
    if let CloudCommand::Policy(args::PolicyCommand::Check { file }) = &args.command {
        return policy::check(&args.data, file, args.json, out);
    }
    if let CloudCommand::Policy(args::PolicyCommand::Fields) = &args.command {
        return policy::fields(args.json, out);
    }
    if let CloudCommand::Completions { shell } = args.command {
        // In one piece: whoever stops reading is told apart from a failure.
        let mut script = Vec::new();
        let command = &mut CloudArgs::command();
        clap_complete::generate(shell, command, "dashpoint-cloud", &mut script);
        out.write_all(&script)?;
        return Ok(());
    }
    if let CloudCommand::Restore { backup } = &args.command {
        let done = restore(&args.data, backup, system_now())?;
        return show::either(
            out,
            args.json,
            &restored::RestoreReport::of(&done),
            |report| restored::restored(report, &args.data),
        );
    }
    if matches!(args.command, CloudCommand::Init) {
        let pinned = show::Made {
            public_key: init(&args.data)?.to_string(),
        };
        return show::either(out, args.json, &pinned, |pinned| {
            format!(
                "made a new cloud with public key {}; `key` prints what cars are given\n",
                pinned.public_key
            )
        });
    }
    let mut core = CloudCore::open_folder(&args.data)?;
    let now = core.now(system_now())?;
    let ids = [
        random::bytes().map_err(CloudError::from)?,
        random::bytes().map_err(CloudError::from)?,
    ];
    let edge = Edge {
        now,
        ids,
        json: args.json,
    };
    let mut warning = None;
    if let CloudCommand::Member(args::MemberCommand::Add { name, .. }) = &args.command
        && !args.json
    {
        warning = same_name(&core, name)?;
    }
    execute(args.command, &mut core, edge, out)?;
    if let Some(warning) = warning {
        // Beside the output: a script reads the id from there.
        drop(writeln!(err, "dashpoint-cloud: warning: {warning}"));
    }
    Ok(())
}

/// Warns of a new member who has the name of others.
fn same_name(core: &CloudCore, name: &str) -> Result<Option<String>, CloudError> {
    let others = core.members_named(name)?;
    let (Some(first), more) = (others.first(), others.len()) else {
        return Ok(None);
    };
    let whose = match more {
        1 => format!("the member {first} has"),
        _ => format!("{more} members, {first} the first, have"),
    };
    Ok(Some(format!(
        "{whose} the name {name:?} already: commands that name the new one want the id"
    )))
}

/// Finds the member whom an option names, when it is given.
fn found(core: &CloudCore, named: Option<&NamedMember>) -> Result<Option<MemberId>, CloudError> {
    named.map(|named| core.find_member(named)).transpose()
}

/// Does one command on a cloud, beside the program that serves it.
///
/// # Errors
/// [`CliError`] when the cloud refuses or fails, or the output cannot be written. [`CloudCommand::Serve`], [`CloudCommand::Init`],
/// [`CloudCommand::Restore`] and [`CloudCommand::Completions`] are none of these commands and do nothing here.
pub fn execute(
    command: CloudCommand,
    core: &mut CloudCore,
    edge: Edge,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    match command {
        CloudCommand::Serve(_)
        | CloudCommand::Init
        | CloudCommand::Restore { .. }
        | CloudCommand::Completions { .. } => Ok(()),
        CloudCommand::Backup { file } => {
            core.back_up(&file)?;
            let backup = show::BackedUp { backup: file };
            show::either(out, edge.json, &backup, |written| {
                format!("wrote {}\n", written.backup.display())
            })
        }
        CloudCommand::Member(command) => member(command, core, edge, out),
        CloudCommand::Device(command) => device(command, core, edge, out),
        CloudCommand::Review(command) => decide::review(command, core, edge, out),
        CloudCommand::Meter(command) => meters::meter(command, core, edge, out),
        CloudCommand::Policy(command) => policy::policy(command, core, edge, out),
        CloudCommand::Rule(command) => policy::rule(command, core, edge, out),
        CloudCommand::Catalogue(command) => policy::catalogue(command, core, edge, out),
        CloudCommand::Entries { selected, last } => {
            let lines = core.entry_lines(selected.found(core)?, last)?;
            let members = lines.iter().filter_map(|line| line.member);
            let names = Names::of(core, members, [])?;
            show::either(out, edge.json, &lines, |lines| show::entries(lines, &names))
        }
        CloudCommand::Statement { member } => {
            let member = core.find_member(&member)?;
            let statement = core.statement(member, LedgerVersion::new(0), edge.now)?;
            let shown = show::StatementShown {
                caps: core.named_caps(statement.body()),
                statement: statement.body(),
            };
            let devices = shown.statement.covers.keys().copied();
            let names = Names::of(core, [], devices)?;
            show::either(out, edge.json, &shown, |shown| {
                show::statement(shown, &names)
            })
        }
        CloudCommand::Key => {
            let pinned = show::Pinned {
                public_key: core.public_key().to_string(),
                cloud_key: core.cloud_key().to_string(),
            };
            show::either(out, edge.json, &pinned, |pinned| {
                format!("{}\n", pinned.cloud_key)
            })
        }
        CloudCommand::Expiry(args::ExpiryCommand::Reverse {
            since,
            until,
            member,
            reason,
        }) => {
            let span = ExpirySpan { since, until };
            let member = found(core, member.as_ref())?;
            let done = core.reverse_expiries(member, span, &reason, edge.now)?;
            show::either(out, edge.json, &done, |done| {
                format!(
                    "{} given back: {} of {}; {} taken back\n",
                    counted(done.points, "point", "points"),
                    counted(done.expiries, "lot", "lots"),
                    counted(done.members, "member", "members"),
                    counted(done.reviews, "tier review", "tier reviews")
                )
            })
        }
        CloudCommand::Maintain => {
            let done = core.maintain(edge.now)?;
            show::either(out, edge.json, &done, |done| {
                format!(
                    "{}, {} changed, {}\n",
                    counted(done.members, "member", "members"),
                    done.changed,
                    counted(done.settlements, "settlement", "settlements")
                )
            })
        }
    }
}

fn member(
    command: args::MemberCommand,
    core: &mut CloudCore,
    edge: Edge,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    match command {
        args::MemberCommand::Add { name, zone, id } => {
            let id = id.unwrap_or(MemberId::from_bytes(edge.ids[0]));
            let warnings = same_name(core, &name)?.into_iter().collect();
            core.add_member(&NewMember { id, name, zone }, edge.now)?;
            let added = show::Added {
                member: id,
                warnings,
            };
            show::either(out, edge.json, &added, |added| {
                format!("{}\n", added.member)
            })
        }
        args::MemberCommand::List => show::either(out, edge.json, &core.member_lines()?, |lines| {
            show::members(lines)
        }),
        args::MemberCommand::Show { member } => {
            let member = core.find_member(&member)?;
            let statement = core.statement(member, LedgerVersion::new(0), edge.now)?;
            let lines = core.member_lines()?;
            let line = lines.into_iter().find(|line| line.member == member);
            let shown = show::MemberShown {
                member: line.ok_or(CloudError::NoMember(member))?,
                lots: statement.body().account.lots.clone(),
                pending: statement.body().account.pending.clone(),
                devices: statement.body().covers.keys().copied().collect(),
            };
            let names = Names::of(core, [], shown.devices.iter().copied())?;
            show::either(out, edge.json, &shown, |shown| show::member(shown, &names))
        }
    }
}

const fn granted_ids(edge: Edge) -> GrantedIds {
    GrantedIds {
        device: DeviceId::from_bytes(edge.ids[0]),
        binding: BindingId::from_bytes(edge.ids[1]),
    }
}

fn device(
    command: args::DeviceCommand,
    core: &mut CloudCore,
    edge: Edge,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    match command {
        args::DeviceCommand::List => {
            let shown = devices::DevicesShown {
                devices: core.device_lines()?,
                waiting: core.waiting(edge.now)?,
            };
            let names = Names::of(core, shown.members(), [])?;
            show::either(out, edge.json, &shown, |shown| {
                devices::devices(shown, &names)
            })
        }
        args::DeviceCommand::Approve {
            code,
            member,
            reason,
        } => {
            let code = random::typed_code(&code);
            let member = core.find_member(&member)?;
            let ids = granted_ids(edge);
            let mut approval = core.approve(&code, member, ids, edge.now)?;
            if let (Approval::Waits(_), Some(reason)) = (&approval, reason) {
                let word = Word::Operator { reason };
                approval = Approval::Enrolled(core.consent(&code, &word, ids, edge.now)?);
            }
            approved(core, edge, &approval, out)
        }
        args::DeviceCommand::Consent {
            code,
            member,
            reason,
        } => {
            let word = match found(core, member.as_ref())? {
                Some(member) => Word::Member(member),
                None => Word::Operator {
                    reason: reason.unwrap_or_default(),
                },
            };
            let code = random::typed_code(&code);
            let approved = core.consent(&code, &word, granted_ids(edge), edge.now)?;
            self::approved(core, edge, &Approval::Enrolled(approved), out)
        }
        args::DeviceCommand::Refuse { code } => {
            let code = random::typed_code(&code);
            core.refuse(&code, edge.now)?;
            show::either(
                out,
                edge.json,
                &show::RefusedRequest {
                    refused: random::spoken_code(&code),
                },
                |_| "refused\n".to_owned(),
            )
        }
        args::DeviceCommand::Revoke {
            device,
            fraud,
            reason,
        } => {
            let device = core.find_device(&device)?;
            let revoked = if fraud {
                core.revoke_fraud(device, &reason.unwrap_or_default(), edge.now)?
            } else {
                core.revoke_device(device, edge.now)?
            };
            let names = Names::of(core, revoked.freed.taken_back.keys().copied(), [])?;
            show::either(out, edge.json, &revoked, |revoked| {
                decide::revoked(revoked, &names)
            })
        }
    }
}

fn approved(
    core: &CloudCore,
    edge: Edge,
    approval: &Approval,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let member = match approval {
        Approval::Enrolled(approved) => Some(approved.member),
        Approval::Waits(_) => None,
    };
    let names = Names::of(core, member, [])?;
    show::either(out, edge.json, approval, |approval| {
        devices::approval(approval, &names)
    })
}

fn serve(
    data: std::path::PathBuf,
    json: bool,
    serve: args::Serve,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let running = Cloud::start(ServerConfig {
            data,
            listen: serve.listen,
            url: serve.url,
            clock: serve.clock.into(),
            posted_from: serve.posted_from,
            test: serve.test,
            limits: Limits {
                entries_a_day: serve.device_entries,
                ..Limits::DEFAULT
            },
            trusted_proxies: serve.trusted_proxies,
            accept_clock: serve.accept_clock,
        })
        .await?;
        // Whoever reads that it serves may tell it to stop at once.
        let stop = told_to_stop()?;
        let started = show::Started {
            url: running.url().to_owned(),
            public_key: running.public_key().to_string(),
        };
        show::line(out, json, &started, |started| {
            format!(
                "dashpoint-cloud serves {} with public key {}\n",
                started.url, started.public_key
            )
        })?;
        stop.await?;
        running.shutdown().await;
        Ok(())
    })
}

/// Logs go to standard error, so that the one line on standard output stays readable by programs; `-q`, `-v` or else `RUST_LOG` chooses.
fn log_to_stderr(logging: &args::ServeLogging) {
    let levels = std::env::var_os("RUST_LOG").filter(|levels| !levels.is_empty());
    let levels = levels.map(|levels| levels.to_string_lossy().parse::<Targets>());
    let (chosen, refused) = match levels {
        Some(Err(error)) => (None, Some(error)),
        Some(Ok(chosen)) => (Some(chosen), None),
        None => (None, None),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false);
    let set = tracing_subscriber::registry()
        .with(lines)
        .with(levels_of(logging, chosen))
        .try_init();
    if set.is_err() {
        tracing::debug!("somebody logs already");
    }
    if let Some(error) = refused {
        tracing::warn!(%error, "RUST_LOG is not understood, the usual levels are logged; expected such as dashpoint_cloud=debug");
    }
}

/// Returns the levels to log: as typed, else as the variable has chosen.
fn levels_of(logging: &args::ServeLogging, chosen: Option<Targets>) -> Targets {
    let all = Targets::new();
    match (logging.quiet, logging.verbose, chosen) {
        (true, ..) => all.with_default(LevelFilter::WARN),
        (false, true, _) => all
            .with_default(LevelFilter::INFO)
            .with_target("dashpoint", LevelFilter::DEBUG),
        (false, false, Some(chosen)) => chosen,
        (false, false, None) => all.with_default(LevelFilter::INFO),
    }
}

/// Listens for ctrl-c and SIGTERM from now on; what it returns is over when one has come.
fn told_to_stop() -> std::io::Result<impl Future<Output = std::io::Result<()>>> {
    #[cfg(unix)]
    let mut terminate = {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate())?
    };
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted?,
            _ = terminate.recv() => {}
        }
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use tracing::Level;

    use super::*;

    /// Returns whether info and debug of the cloud are logged.
    fn logged(typed: &str, variable: Option<&str>) -> [bool; 2] {
        let words = format!("dashpoint-cloud {typed}");
        let args = CloudArgs::try_parse_from(words.split_whitespace()).unwrap();
        let variable = variable.map(|levels| levels.parse().unwrap());
        let levels = levels_of(&args.logging, variable);
        [Level::INFO, Level::DEBUG].map(|level| levels.would_enable("dashpoint_cloud", &level))
    }

    #[test]
    fn options_choose_what_is_logged() {
        assert_eq!(logged("serve", None), [true, false]);
        for typed in ["-v serve", "serve --verbose"] {
            assert_eq!(logged(typed, Some("off")), [true, true], "{typed}");
        }
        for typed in ["-q serve", "serve --quiet", "-v serve -q"] {
            assert_eq!(logged(typed, Some("debug")), [false, false], "{typed}");
        }
        assert_eq!(logged("serve", Some("debug")), [true, true]);
        assert_eq!(logged("serve", Some("off")), [false, false]);
    }
}
