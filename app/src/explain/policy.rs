//! The policy that a recording is explained by.

use std::path::Path;

use dashpoint_membership::line_of;
use dashpoint_membership::{CompiledPolicy, DEFAULT_POLICY_TOML, Policy};

use super::error::ExplainError;

/// A policy and what to call it.
#[derive(Debug, Clone)]
pub struct NamedPolicy {
    /// The file, or that it is the shipped one.
    pub name: String,
    /// The policy.
    pub policy: CompiledPolicy,
}

impl NamedPolicy {
    /// Name of the policy that the programme ships with.
    pub const SHIPPED: &str = "shipped policy";
    /// Name of the policy that an entry was valued by.
    pub const OF_ENTRY: &str = "policy of the entry";

    /// Reads a policy from a file; without one, the policy that the programme ships with.
    ///
    /// # Errors
    /// [`ExplainError`], one line that names the place.
    pub fn load(path: Option<&Path>) -> Result<Self, ExplainError> {
        let (name, text) = match path {
            None => (Self::SHIPPED.to_owned(), DEFAULT_POLICY_TOML.to_owned()),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|source| {
                    ExplainError::PolicyUnreadable {
                        path: path.to_owned(),
                        source,
                    }
                })?;
                (path.display().to_string(), text)
            }
        };
        let policy = Policy::from_toml(&text).map_err(|source| ExplainError::PolicyShape {
            name: name.clone(),
            source,
        })?;
        match CompiledPolicy::compile(policy) {
            Ok(policy) => Ok(Self { name, policy }),
            Err(source) => Err(ExplainError::PolicyWrong {
                name,
                line: line_of(&text, &source),
                source: Box::new(source),
            }),
        }
    }
}
