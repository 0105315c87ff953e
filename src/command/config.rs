//! CONFIG: reads and changes the settings of the running server.
//!
//! Layer `command`. It may use `state` and what lies below.

use super::operators::notable;
use super::pubsub::help as help_reply;
use super::{Args, Context, Next};
use crate::catalog::CATALOG;
use crate::client::log::{log_client, shown};
use crate::glob;
use crate::observe::log_throttle::Told;
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
    // As in Redis, a setting that was asked for by name is shown in the letter case of the request.
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

/// Whether an argument of CONFIG GET selects a setting. As in Redis, an argument without special
/// characters is a name and not a glob.
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
    let rest: Vec<&[u8]> = args.iter().skip(2).collect();
    let pairs: Vec<_> = rest
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
    log_change(context, args);
    context.session.then(Next::Reload);
    Ok(Reply::OK)
}

/// Logs who has changed which settings, and their new values without passwords.
fn log_change(context: &Context<'_>, args: &Args<'_>) {
    let hides = CATALOG
        .find_full(b"config|set")
        .and_then(|command| command.spec.hides);
    for place in (2..args.len()).step_by(2) {
        let is_secret = hides.is_some_and(|hides| hides(args, place + 1));
        let setting = shown(&args[place].to_ascii_lowercase());
        let value = if is_secret {
            "(redacted)".to_owned()
        } else {
            shown(&args[place + 1])
        };
        if let Some(times) = context.server.told.note(Told::Setting) {
            log_client!(info, context.client, %setting, %value, times, "{}", Told::Setting);
        }
    }
}

/// `CONFIG RESETSTAT`
pub(crate) fn resetstat(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    context.take_keyspace()?;
    context.batch_stats.commit(&context.server.stats);
    context.server.stats.reset();
    context.server.acl.denied.reset();
    context.keyspace().stats = KeyStats::default();
    Ok(Reply::OK)
}

/// `CONFIG REWRITE`: always an error. fanfare never writes to its configuration file.
pub(crate) fn rewrite(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Err(CommandError::text(
        "ERR CONFIG REWRITE is not supported: fanfare does not write to its configuration file",
    ))
}

/// `CONFIG HELP`
pub(crate) fn help(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(help_reply(
        "CONFIG",
        &[
            "GET pattern [pattern ...]",
            "    The settings that match, with their values.",
            "RESETSTAT",
            "    Set the counters of INFO to zero.",
            "REWRITE",
            "    Refused: fanfare does not write to its configuration file.",
            "SET setting value [setting value ...]",
            "    Change settings: all of these, or none.",
        ],
    ))
}
