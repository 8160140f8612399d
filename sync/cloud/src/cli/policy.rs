//! Commands on policies and the catalogue.

use std::io::Write;
use std::path::Path;

use dashpoint_membership::profile::{RuleField, rule_fields};
use dashpoint_membership::{
    Catalogue, CompiledPolicy, DEFAULT_POLICY_TOML, Policy, PolicyError, PolicyVersion, ServerTime,
};
use dashpoint_membership::{line_of, line_of_key};

use super::args;
use super::edge::Edge;
use super::error::CliError;
use super::show::{self, counted};
use crate::clock::system_now;
use crate::core::{CloudCore, DroppedRule, DroppedTier};
use crate::error::CloudError;

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
            let version = core.check_version(compiled.version(), edge.now);
            version.map_err(|refused| at_version(&file, &text, refused))?;
            let newest = core.policy_list(edge.now)?.pop().map(|line| line.version);
            let dropped = Dropped::of(core, compiled.policy(), edge.now)?;
            checked(&compiled, newest, dropped, None, edge.json, out)
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
            let signed = core.sign_policy(compiled.policy().clone(), edge.now);
            signed.map_err(|refused| at_version(&file, &text, refused))?;
            show::either(
                out,
                edge.json,
                &show::SignedVersion { signed: version },
                |_| format!("signed policy {version}\n{}", dropped.text()),
            )
        }
        args::PolicyCommand::List => {
            let lines = core.policy_list(edge.now)?;
            show::either(out, edge.json, &lines, |lines| show::policies(lines))
        }
    }
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
        args::CatalogueCommand::Sign { file } => {
            let text = read(&file)?;
            let catalogue = Catalogue::from_toml(&text).map_err(|refused| at(&file, &refused))?;
            let version = catalogue.version;
            core.sign_catalogue(catalogue, edge.now)?;
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
            let version = core.check_version(compiled.version(), now);
            version.map_err(|refused| at_version(file, &text, refused))?;
            let newest = core.policy_list(now)?.pop().map(|line| line.version);
            let dropped = Dropped::of(&mut core, compiled.policy(), now)?;
            checked(&compiled, newest, dropped, None, json, out)
        }
        Err(CloudError::NoCloud(_)) => {
            checked(&compiled, None, Dropped::default(), Some(data), json, out)
        }
        Err(failed) => Err(failed.into()),
    }
}

fn checked(
    compiled: &CompiledPolicy,
    newest: Option<PolicyVersion>,
    dropped: Dropped,
    no_cloud: Option<&Path>,
    json: bool,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let warnings = dropped.text();
    let checked = show::Checked::of(compiled.policy(), newest, dropped.rules, dropped.tiers);
    show::either(out, json, &checked, |checked| {
        let line = format!(
            "policy {} can be signed: {}, {}, {}\n",
            checked.version,
            counted(checked.rules, "rule", "rules"),
            counted(checked.caps, "cap", "caps"),
            counted(checked.tiers, "tier", "tiers")
        ) + &warnings;
        match no_cloud {
            None => line,
            Some(data) => format!(
                "{line}its version was compared with none: there is no cloud in {} (--data DIR)\n",
                data.display()
            ),
        }
    })
}

/// Names that a version of the policy no longer has.
#[derive(Debug, Default)]
struct Dropped {
    rules: Vec<DroppedRule>,
    tiers: Vec<DroppedTier>,
}

impl Dropped {
    fn of(core: &mut CloudCore, next: &Policy, now: ServerTime) -> Result<Self, CloudError> {
        Ok(Self {
            rules: core.dropped_rules(next, now)?,
            tiers: core.dropped_tiers(next, now)?,
        })
    }

    /// Warns of each, in a line.
    fn text(&self) -> String {
        let rules = self.rules.iter().map(|dropped| {
            let members = counted(dropped.members, "member", "members");
            let (whole, rest) = dropped.points.split();
            let left = match dropped.members {
                0 => String::new(),
                _ => format!(
                    ": {whole}.{:03} points of {members} stay behind, less than one each, until a version has the id again",
                    rest.get()
                ),
            };
            format!(
                "warning: rule {} is not in it any more{left}; to name a rule anew, change its title and keep its id\n",
                dropped.rule
            )
        });
        let tiers = self.tiers.iter().map(|dropped| {
            let left = match dropped.members {
                0 => String::new(),
                1 => ": 1 member keeps it until the next entry or review".to_owned(),
                members => format!(": {members} members keep it until the next entry or review"),
            };
            format!(
                "warning: tier {} is not in it any more{left}; to name a tier anew, change its title and keep its id\n",
                dropped.tier
            )
        });
        rules.chain(tiers).collect()
    }
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
    compiled.check_sites().map_err(refuse)?;
    compiled.check_payable().map_err(refuse)?;
    Ok((compiled, text))
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
