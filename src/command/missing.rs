//! The errors for commands that Redis has and fanfare does not. They name the missing feature, so
//! that users do not look for a spelling mistake.
//!
//! Layer `command`. It may use `state` and what lies below. The names come from [`REDIS_ONLY`],
//! which has no command that fanfare has. The text begins like Redis's, which client libraries look
//! for.

use crate::acl::REDIS_ONLY;
use crate::resp::error::CommandError;

/// The feature that commands of each category need, as the error names it. The first match counts.
const KINDS: &[(&str, &str)] = &[
    ("scripting", "scripts or functions"),
    ("keyspace", "serialized values (DUMP, RESTORE)"),
];

/// The feature that each of these commands needs.
const NAMED: &[(&[&str], &str)] = &[
    (&["save", "bgsave", "bgrewriteaof"], "files to save keys to"),
    (
        &["pfdebug", "pfselftest"],
        "commands that test HyperLogLogs",
    ),
    (
        &[
            "failover",
            "psync",
            "replconf",
            "replicaof",
            "slaveof",
            "sync",
            "waitaof",
        ],
        "replicas",
    ),
];

/// The error for a command that is unknown, if Redis has it.
pub(super) fn error(name: &[u8]) -> Option<CommandError> {
    let kind = kind(&String::from_utf8_lossy(name).to_ascii_lowercase())?;
    Some(CommandError::Quoting {
        before: "ERR unknown command '",
        quoted: name.to_vec(),
        after: format!("': fanfare has no {kind}").into(),
    })
}

/// The feature that is missing if fanfare has no command of this name. `None`: Redis has none
/// either.
fn kind(name: &str) -> Option<&'static str> {
    let by_name = NAMED.iter().find(|(names, _)| names.contains(&name));
    if let Some((_, kind)) = by_name {
        return Some(kind);
    }
    let has_name = |names: &str| {
        let mut own = names.split(' ').map(|own| own.split('|').next());
        own.any(|own| own == Some(name))
    };
    let rows = REDIS_ONLY.iter().filter(|(_, names)| has_name(names));
    let mut kinds = rows.filter_map(|(categories, _)| {
        let is = |category: &str| categories.split(' ').any(|own| own == category);
        KINDS.iter().find(|(category, _)| is(category))
    });
    kinds.next().map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::CATALOG;

    #[test]
    fn every_command_that_only_redis_has_names_a_feature() {
        let all = REDIS_ONLY.iter().flat_map(|(_, names)| names.split(' '));
        for name in all.map(|name| name.split('|').next().unwrap_or(name)) {
            let is_missing = CATALOG.find(name.as_bytes()).is_none();
            assert!(!is_missing || kind(name).is_some(), "{name}");
        }
        assert_eq!(kind("nosuch"), None);
        assert_eq!(kind(""), None);
        for (name, about) in [
            ("eval", "scripts or functions"),
            ("function", "scripts or functions"),
            ("script", "scripts or functions"),
            ("pfdebug", "commands that test HyperLogLogs"),
            ("save", "files to save keys to"),
            ("replicaof", "replicas"),
            ("restore", "serialized values (DUMP, RESTORE)"),
        ] {
            assert_eq!(kind(name), Some(about), "{name}");
        }
    }
}
