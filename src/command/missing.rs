//! Commands that Redis has and fanfare has not: an error says what is missing, instead of leaving a
//! newcomer to look for a spelling mistake.
//!
//! Layer `command`. The names come from [`REDIS_ONLY`], so that a command that fanfare comes to have is
//! told of no more. The text begins as Redis's own does, which client libraries look for.

use crate::acl::REDIS_ONLY;
use crate::resp::error::CommandError;

/// What commands of these categories are about, in the words of an error. The first that fits counts.
const KINDS: &[(&str, &str)] = &[
    ("stream", "streams"),
    ("scripting", "scripts or functions"),
    ("keyspace", "serialized values (DUMP, RESTORE)"),
];

/// What other commands are about.
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

/// What fanfare has none of, as it has no command of this name.
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
    fn every_command_that_only_redis_has_is_about_something() {
        let all = REDIS_ONLY.iter().flat_map(|(_, names)| names.split(' '));
        for name in all.map(|name| name.split('|').next().unwrap_or(name)) {
            let is_missing = CATALOG.find(name.as_bytes()).is_none();
            assert!(!is_missing || kind(name).is_some(), "{name}");
        }
        assert_eq!(kind("nosuch"), None);
        assert_eq!(kind(""), None);
        for (name, about) in [
            ("xadd", "streams"),
            ("xgroup", "streams"),
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
