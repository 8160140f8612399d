//! Commands on policies and the catalogue.

use std::io::Write;
use std::path::Path;

use dashpoint_membership::profile::{RuleField, rule_fields};
use dashpoint_membership::{
    Catalogue, CompiledPolicy, DEFAULT_POLICY_TOML, Policy, PolicyError, PolicyVersion, ServerTime,
};
use dashpoint_membership::{line_of, line_of_benefit, line_of_key};

use super::args;
use super::edge::Edge;
use super::error::CliError;
use super::policy_warnings::{Dropped, Warnings};
use super::show::{self, counted};
use crate::clock::system_now;
use crate::core::{CloudCore, PolicyLine};
use crate::error::CloudError;
use crate::store::cloud_row;

/// Head of a shown policy.
const HEAD: &str = "\
# Times are seconds since 1970-01-01T00:00:00Z; amounts in rules are thousandths of a point; caps are whole points.
# `dashpoint-cloud policy fields` lists what a rule may read. `policy check` and `policy sign` take a changed copy of this
# under the next version.

";

pub(super) fn policy(
    command: args::PolicyCommand,
    core: &mut CloudCore,
    edge: Edge,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    match command {
        args::PolicyCommand::Show { version } => {
            let policy = core.policy(version, edge.now)?;
            let text = shown(&policy)?;
            show::either(out, edge.json, &policy, |_| text)
        }
        args::PolicyCommand::Fields => fields(edge.json, out),
        args::PolicyCommand::Check { file } => {
            let (compiled, text) = read_policy(&file, |_| {})?;
            let beside = compare(core, &compiled, (&file, &text), edge.now)?;
            let warnings = Warnings::of(&file, &text, &compiled, Some(edge.now));
            checked(&compiled, &beside, &warnings, None, edge.json, out)
        }
        args::PolicyCommand::Sign {
            file,
            valid_from,
            valid_until,
        } => {
            let (compiled, text) = read_policy(&file, |policy| {
                policy.valid_from = valid_from.unwrap_or(policy.valid_from);
                policy.valid_until = valid_until.unwrap_or(policy.valid_until);
            })?;
            let version = compiled.version();
            let dropped = Dropped::of(core, compiled.policy(), edge.now)?;
            let warnings = Warnings::of(&file, &text, &compiled, Some(edge.now));
            let signed = core.sign_policy(compiled.policy().clone(), edge.now);
            signed.map_err(|refused| at_version(&file, &text, refused))?;
            show::either(
                out,
                edge.json,
                &show::SignedVersion { signed: version },
                |_| {
                    format!(
                        "signed policy {version}\n{}{}",
                        warnings.text(),
                        dropped.text()
                    )
                },
            )
        }
        args::PolicyCommand::Revert {
            rules_of,
            next,
            valid_from,
            valid_until,
        } => {
            let old = core.policy(Some(rules_of), edge.now)?;
            let lines = core.policy_list(edge.now)?;
            let is_numbered = next.is_some();
            let next = Policy {
                version: match next {
                    Some(next) => next,
                    None => next_version(core, &lines)?,
                },
                // It was in force before, and must not value what was valued meanwhile.
                valid_from: valid_from.unwrap_or(edge.now),
                valid_until: valid_until.unwrap_or(old.valid_until),
                ..old
            };
            if !is_numbered {
                refuse_the_same(rules_of, &next, &lines, core, edge.now)?;
            }
            revert(rules_of, next, &lines, core, edge, out)
        }
        args::PolicyCommand::List => {
            let lines = core.policy_list(edge.now)?;
            show::either(out, edge.json, &lines, |lines| show::policies(lines))
        }
    }
}

/// Returns the number after the newest; a database that went back may lack versions that cars have, and then nobody can tell.
fn next_version(core: &CloudCore, lines: &[PolicyLine]) -> Result<PolicyVersion, CliError> {
    if core.server_epoch()? > cloud_row::FIRST {
        return Err(CliError::NextVersion);
    }
    let newest = lines.last().map_or(0, |line| line.version.get());
    Ok(PolicyVersion::new(newest.saturating_add(1)))
}

/// Refuses a revert after which nothing would be different but a number: the newest version is in force, with these rules and this end.
fn refuse_the_same(
    old: PolicyVersion,
    next: &Policy,
    lines: &[PolicyLine],
    core: &mut CloudCore,
    now: ServerTime,
) -> Result<(), CliError> {
    let Some(newest) = lines.last().filter(|line| line.in_force) else {
        return Ok(());
    };
    let newest = core.policy(Some(newest.version), now)?;
    let version = newest.version;
    let same = Policy {
        version: next.version,
        valid_from: next.valid_from,
        ..newest
    };
    let is_of_use = now <= next.valid_from && next.valid_from < next.valid_until;
    if is_of_use && same == *next {
        return Err(CliError::NothingToRevert {
            old,
            newest: version,
        });
    }
    Ok(())
}

/// Signs the rules of an old version under the next number.
fn revert(
    old: PolicyVersion,
    next: Policy,
    lines: &[PolicyLine],
    core: &mut CloudCore,
    edge: Edge,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let version = next.version;
    // A lower number would be signed and change nothing.
    if let Some(newest) = lines.last().filter(|line| line.version >= version) {
        return Err(CliError::LowVersion(newest.version));
    }
    let until = next.valid_until;
    if until <= edge.now.max(next.valid_from) {
        return Err(CliError::RevertEnded { old, until });
    }
    let compiled = CompiledPolicy::compile(next.clone()).map_err(CloudError::from)?;
    compiled.check_signable().map_err(CloudError::from)?;
    let name = format!("policy {version}");
    // There is no file whose lines could be told.
    let mut warnings = Warnings::of(Path::new(&name), "", &compiled, Some(edge.now));
    warnings.0.extend(superseded(old, &next, lines, edge.now));
    let dropped = Dropped::of(core, &next, edge.now)?;
    core.sign_policy(next, edge.now)?;
    let signed = show::Reverted {
        signed: version,
        rules_of: old,
        warnings: &warnings.0,
    };
    show::either(out, edge.json, &signed, |_| {
        format!(
            "signed policy {version}, with the rules of policy {old}\n{}{}",
            warnings.text(),
            dropped.text()
        )
    })
}

/// Warns of versions that a revert leaves without a time in force, or that it changes nothing of.
fn superseded(
    old: PolicyVersion,
    next: &Policy,
    lines: &[PolicyLine],
    now: ServerTime,
) -> Vec<String> {
    let version = next.version;
    let newest = lines.last().filter(|line| line.version == old);
    let newest = newest.map(|_| {
        format!("policy {old} is the newest version: only its number and its times change")
    });
    // The highest version whose time has come is in force.
    let never = lines
        .iter()
        .filter(|line| line.valid_from > now && line.valid_from >= next.valid_from);
    let never = never.map(|line| {
        format!(
            "policy {} was to be in force from {} and never is: policy {version} is above it",
            line.version,
            show::time(line.valid_from)
        )
    });
    newest.into_iter().chain(never).collect()
}

/// Reports on rules.
pub(super) fn rule(
    command: args::RuleCommand,
    core: &CloudCore,
    edge: Edge,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let args::RuleCommand::Report { selected, policy } = command;
    let selected = selected.found(core)?;
    let tried = match &policy {
        Some(file) => Some(read_policy(file, |_| {})?.0),
        None => None,
    };
    let lines = core.rule_lines(selected, tried.as_ref(), edge.now)?;
    show::either(out, edge.json, &lines, |lines| show::rules(lines))
}

pub(super) fn catalogue(
    command: args::CatalogueCommand,
    core: &mut CloudCore,
    edge: Edge,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    match command {
        args::CatalogueCommand::Show => {
            let catalogue = core.catalogue(edge.now)?;
            let text = toml::to_string(&catalogue)?;
            show::either(out, edge.json, &catalogue, |_| text)
        }
        args::CatalogueCommand::Check { file } => {
            let (catalogue, text) = read_catalogue(&file)?;
            let checked = core.check_catalogue(&catalogue, edge.now);
            checked.map_err(|refused| at_benefit(&file, &text, refused))?;
            let checked = show::CheckedCatalogue {
                version: catalogue.version,
                benefits: catalogue.benefits.len(),
            };
            show::either(out, edge.json, &checked, |checked| {
                let benefits = counted(checked.benefits, "benefit", "benefits");
                format!("catalogue {} can be signed: {benefits}\n", checked.version)
            })
        }
        args::CatalogueCommand::Sign { file } => {
            let (catalogue, text) = read_catalogue(&file)?;
            let version = catalogue.version;
            let signed = core.sign_catalogue(catalogue, edge.now);
            signed.map_err(|refused| at_benefit(&file, &text, refused))?;
            show::either(
                out,
                edge.json,
                &show::SignedVersion { signed: version },
                |_| format!("signed catalogue {version}\n"),
            )
        }
    }
}

/// Checks a file, and its version against the cloud in the folder, as far as there is one.
pub(super) fn check(
    data: &Path,
    file: &Path,
    json: bool,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let (compiled, text) = read_policy(file, |_| {})?;
    match CloudCore::open_folder(data) {
        Ok(mut core) => {
            let now = core.now(system_now())?;
            let beside = compare(&mut core, &compiled, (file, &text), now)?;
            let warnings = Warnings::of(file, &text, &compiled, Some(now));
            checked(&compiled, &beside, &warnings, None, json, out)
        }
        Err(CloudError::NoCloud(_)) => {
            let warnings = Warnings::of(file, &text, &compiled, None);
            let beside = NewestPolicy::default();
            checked(&compiled, &beside, &warnings, Some(data), json, out)
        }
        Err(failed) => Err(failed.into()),
    }
}

/// The newest version of a cloud, and what a next one lacks of it.
#[derive(Debug, Default)]
struct NewestPolicy {
    newest: Option<PolicyVersion>,
    dropped: Dropped,
}

/// Compares a policy of a file with the newest of the cloud.
fn compare(
    core: &mut CloudCore,
    compiled: &CompiledPolicy,
    (file, text): (&Path, &str),
    now: ServerTime,
) -> Result<NewestPolicy, CloudError> {
    let version = core.check_version(compiled.version(), now);
    version.map_err(|refused| at_version(file, text, refused))?;
    Ok(NewestPolicy {
        newest: core.policy_list(now)?.pop().map(|line| line.version),
        dropped: Dropped::of(core, compiled.policy(), now)?,
    })
}

fn checked(
    compiled: &CompiledPolicy,
    beside: &NewestPolicy,
    warnings: &Warnings,
    no_cloud: Option<&Path>,
    json: bool,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let NewestPolicy { newest, dropped } = beside;
    let checked = show::Checked {
        version: compiled.version(),
        rules: compiled.policy().rules.len(),
        caps: compiled.policy().caps.len(),
        tiers: compiled.policy().tiers.ladder.len(),
        above: *newest,
        dropped: &dropped.rules,
        dropped_tiers: &dropped.tiers,
        warnings: &warnings.0,
    };
    show::either(out, json, &checked, |checked| {
        let line = format!(
            "policy {} can be signed: {}, {}, {}\n",
            checked.version,
            counted(checked.rules, "rule", "rules"),
            counted(checked.caps, "cap", "caps"),
            counted(checked.tiers, "tier", "tiers")
        ) + &warnings.text()
            + &dropped.text();
        match no_cloud {
            None => line,
            Some(data) => format!(
                "{line}its version was compared with none: there is no cloud in {} (--data DIR)\n",
                data.display()
            ),
        }
    })
}

/// Lists what a rule may read.
pub(super) fn fields(json: bool, out: &mut dyn Write) -> Result<(), CliError> {
    let fields: Vec<RuleField> = rule_fields().collect();
    show::either(out, json, &fields, |fields| show::fields(fields))
}

/// The shipped policy as it is shipped, with its comments; any other with a head that tells the units.
fn shown(policy: &Policy) -> Result<String, CliError> {
    let shipped = Policy::from_toml(DEFAULT_POLICY_TOML);
    if shipped.is_ok_and(|shipped| shipped == *policy) {
        return Ok(DEFAULT_POLICY_TOML.to_owned());
    }
    Ok(format!("{HEAD}{}", toml::to_string(policy)?))
}

/// Tells the file and the line of a version that may not follow the newest.
fn at_version(file: &Path, text: &str, refused: CloudError) -> CloudError {
    let is_of_version = matches!(
        refused,
        CloudError::VersionNotHigher { .. } | CloudError::VersionTooFar { .. }
    );
    match line_of_key(text, "version").filter(|_| is_of_version) {
        Some(line) => at(file, &format!("line {line}: {refused}")),
        None => refused,
    }
}

/// Tells the file and the line of what a catalogue is refused for.
fn at_benefit(file: &Path, text: &str, refused: CloudError) -> CloudError {
    let CloudError::Catalogue(wrong) = &refused else {
        return at_version(file, text, refused);
    };
    let line = line_of_benefit(text, wrong);
    let line = line.map_or_else(String::new, |line| format!("line {line}: "));
    at(file, &format!("{line}{refused}"))
}

/// Reads a policy that may be signed, with its text; each refusal names the file, and the line where there is one.
fn read_policy(
    file: &Path,
    change: impl FnOnce(&mut Policy),
) -> Result<(CompiledPolicy, String), CloudError> {
    let text = read(file)?;
    let mut policy = Policy::from_toml(&text).map_err(|refused| at(file, &refused))?;
    change(&mut policy);
    let refuse = |refused: PolicyError| {
        let line =
            line_of(&text, &refused).map_or_else(String::new, |line| format!("line {line}: "));
        at(file, &format!("{line}the policy cannot be used: {refused}"))
    };
    let compiled = CompiledPolicy::compile(policy).map_err(refuse)?;
    compiled.check_signable().map_err(refuse)?;
    Ok((compiled, text))
}

/// Reads a catalogue with its text.
fn read_catalogue(file: &Path) -> Result<(Catalogue, String), CloudError> {
    let text = read(file)?;
    let catalogue = Catalogue::from_toml(&text).map_err(|refused| at(file, &refused))?;
    Ok((catalogue, text))
}

fn read(file: &Path) -> Result<String, CloudError> {
    std::fs::read_to_string(file).map_err(|failed| at(file, &failed))
}

fn at(file: &Path, reason: &dyn std::fmt::Display) -> CloudError {
    CloudError::Unreadable {
        path: file.to_owned(),
        reason: reason.to_string(),
    }
}
