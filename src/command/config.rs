//! CONFIG: the settings while the server runs.

use super::operators::notable;
use super::pubsub::help as help_reply;
use super::{Args, Context, Next};
use crate::glob;
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, bulk, map};
use crate::store::keyspace::KeyStats;

type Result = std::result::Result<Reply, CommandError>;

/// `CONFIG GET parameter [parameter ...]`
pub(crate) fn get(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let patterns: Vec<&[u8]> = args.iter().skip(2).collect();
    let found = context
        .server
        .config()
        .get_matching(&patterns, names_setting);
    // A name is shown as it was typed, a name found by a glob as it is.
    let shown = |name: &'static str| {
        let typed = patterns
            .iter()
            .find(|word| word.eq_ignore_ascii_case(name.as_bytes()));
        typed.map_or(bulk(name), |word| bulk(word.to_vec()))
    };
    let pairs = found
        .into_iter()
        .map(|(name, value)| (shown(name), bulk(value)));
    Ok(map(pairs))
}

/// Redis takes a word for a glob only if it looks like one, and for a name otherwise.
fn names_setting(word: &[u8], name: &[u8]) -> bool {
    if word.iter().any(|byte| b"[*?".contains(byte)) {
        glob::matches_ignore_case(word, name)
    } else {
        word.eq_ignore_ascii_case(name)
    }
}

/// `CONFIG SET parameter value [parameter value ...]`
pub(crate) fn set(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    if !args.len().is_multiple_of(2) {
        return Err(CommandError::SYNTAX);
    }
    let words: Vec<&[u8]> = args.iter().skip(2).collect();
    let pairs: Vec<_> = words
        .chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        .collect();
    context
        .server
        .change_config(&pairs)
        .map_err(|error| CommandError::Quoting {
            before: "",
            quoted: error.wire(),
            after: "".into(),
        })?;
    context.batch_stats.notable = notable(&context.server.config());
    for (name, _) in &pairs {
        // Never the value, which may be a password.
        tracing::info!(setting = %String::from_utf8_lossy(name), "changed by CONFIG SET");
    }
    context.session.then(Next::Reload);
    Ok(Reply::OK)
}

/// `CONFIG RESETSTAT`
pub(crate) fn resetstat(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    context.batch_stats.commit(&context.server.stats);
    context.server.stats.reset();
    context.server.acl.denied.reset();
    context.keyspace().stats = KeyStats::default();
    Ok(Reply::OK)
}

/// `CONFIG REWRITE`: refused, as fanfare never writes to its configuration file.
pub(crate) fn rewrite(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Err(CommandError::text(
        "ERR CONFIG REWRITE is not supported: fanfare does not write to its configuration file",
    ))
}

/// `CONFIG HELP`
pub(crate) fn help(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(help_reply(
        "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        &[
            "GET <pattern>",
            "    Return parameters matching the glob-like <pattern> and their values.",
            "SET <directive> <value>",
            "    Set the configuration <directive> to <value>.",
            "RESETSTAT",
            "    Reset statistics reported by the INFO command.",
            "REWRITE",
            "    Rewrite the configuration file.",
        ],
    ))
}
