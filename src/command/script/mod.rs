//! EVAL and its kin, SCRIPT, FUNCTION, FCALL.
//!
//! Layer `command`. The engine is in [`script`](crate::script), whose head tells how it all works. Here
//! is what a script needs of a connection: `call` carries out the commands that it calls. `function` is
//! about libraries.
//!
//! All that needs the engine takes the keyspace's lock first.

mod call;
pub(crate) mod function;

use super::pubsub::{help as help_reply, wrong_subcommand};
use super::{Args, Context, Execution, operators};
use crate::catalog::CATALOG;
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, array, bulk, integer};
use crate::resp::request::integer_argument;
use crate::resp::writer::ReplyBuilder;
use crate::script::engine::{EngineLimits, parse_digest, shown_digest};
use crate::script::errors::{NO_SCRIPT, ScriptError};
use crate::script::running::Kind;
use crate::script::shebang::ScriptFlags;
use crate::script::{Digest, Engine, EngineGuard, ScriptArguments};
use call::{ScriptHost, Task};

type Result<T = Reply> = std::result::Result<T, CommandError>;

/// Whether a command's script must not change keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Write,
    ReadOnly,
}

/// `EVAL script numkeys [key [key ...]] [arg [arg ...]]`
pub(crate) fn eval(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    run_script(context, args, Access::Write, load)
}

/// `EVAL_RO script numkeys [key [key ...]] [arg [arg ...]]`
pub(crate) fn eval_ro(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    run_script(context, args, Access::ReadOnly, load)
}

/// `EVALSHA sha1 numkeys [key [key ...]] [arg [arg ...]]`
pub(crate) fn evalsha(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    run_script(context, args, Access::Write, find)
}

/// `EVALSHA_RO sha1 numkeys [key [key ...]] [arg [arg ...]]`
pub(crate) fn evalsha_ro(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    run_script(context, args, Access::ReadOnly, find)
}

fn load(engine: &mut Engine, text: &[u8]) -> Result<Digest> {
    engine.load(text, false).map_err(plain)
}

fn find(_: &mut Engine, text: &[u8]) -> Result<Digest> {
    match parse_digest(text) {
        Some(digest) => Ok(digest),
        None => Err(NO_SCRIPT),
    }
}

fn run_script(
    context: &mut Context<'_>,
    args: &Args<'_>,
    access: Access,
    get: fn(&mut Engine, &[u8]) -> Result<Digest>,
) -> Result {
    let arguments = script_arguments(args, integer_argument(&args[2])?)?;
    let mut engine = engine(context)?;
    let digest = get(&mut engine, &args[1])?;
    let Some(script) = engine.find(&digest) else {
        return Err(NO_SCRIPT);
    };
    let task = Task {
        kind: Kind::Script,
        flags: &script.flags,
        access,
        args,
    };
    run(context, &task, |host| {
        engine
            .run(&script, arguments, host)
            .map_err(|error| (error, shown_digest(&digest).into_bytes()))
    })
}

/// Runs a script or a function. Its commands see the client's database, and may select another, which
/// the client's stays apart from.
fn run(
    context: &mut Context<'_>,
    task: &Task<'_>,
    work: impl FnOnce(&mut ScriptHost<'_, '_>) -> std::result::Result<Reply, (ScriptError, Vec<u8>)>,
) -> Result {
    let is_out_of_memory = call::is_out_of_memory(context);
    permit(task, is_out_of_memory)?;
    show_to_monitors(context, task.args);
    let database = call::database(context);
    let lap = context.batch_stats.lap_began();
    let execution = Execution::InScript {
        reply: ReplyBuilder::with_room(context.config.script_max_memory as usize),
    };
    let outer = std::mem::replace(&mut context.execution, execution);
    let running = &context.server.scripts.running;
    let run = running.begin(task.kind);
    let result = work(&mut ScriptHost::new(context, task, is_out_of_memory));
    drop(run);
    context.execution = outer;
    context.batch_stats.resume_lap(lap);
    call::set_database(context, database);
    result.or_else(|(error, name)| {
        let shown = CommandError::Quoting {
            before: "",
            quoted: error.shown(&name),
            after: "".into(),
        };
        if error.counted {
            return Ok(Reply::Error(Box::new(shown)));
        }
        Err(shown)
    })
}

/// Whether a script may begin, by what it says of itself.
fn permit(task: &Task<'_>, is_out_of_memory: bool) -> Result<()> {
    let ScriptFlags {
        is_old_style,
        no_writes,
        allow_oom,
        ..
    } = *task.flags;
    if is_old_style || no_writes {
        return Ok(());
    }
    if task.access == Access::ReadOnly {
        return Err(CommandError::text(
            "ERR Can not execute a script with write flag using *_ro command.",
        ));
    }
    if is_out_of_memory && !allow_oom {
        return Err(CommandError::text(
            "OOM allow-oom flag is not set on the script, can not run it when used memory > \
             'maxmemory'",
        ));
    }
    Ok(())
}

/// Monitors see a script before the commands that it calls.
fn show_to_monitors(context: &mut Context<'_>, args: &Args<'_>) {
    if context.server.monitors.any()
        && let Ok(command) = CATALOG.resolve(args)
    {
        operators::feed_monitors(context, command, args);
    }
}

/// The keys and the other arguments of a request that says that there are so many keys.
pub(super) fn script_arguments<'a>(args: &Args<'a>, keys: i64) -> Result<ScriptArguments<'a>> {
    const FIRST: usize = 3;
    let Ok(keys) = usize::try_from(keys) else {
        return Err(CommandError::text("ERR Number of keys can't be negative"));
    };
    if keys > args.len() - FIRST {
        return Err(CommandError::text(
            "ERR Number of keys can't be greater than number of args",
        ));
    }
    Ok(ScriptArguments::new(args.iter().skip(FIRST), keys))
}

/// Takes the keyspace's lock, and then the engine's.
pub(super) fn engine<'a>(context: &mut Context<'a>) -> Result<EngineGuard<'a>> {
    context.keyspace();
    let limits = EngineLimits {
        memory: context.config.script_max_memory as usize,
        scripts: context.config.script_cache_size as usize,
    };
    context.server.scripts.engine(limits).map_err(plain)
}

/// An error outside of a running script.
pub(super) fn plain(error: ScriptError) -> CommandError {
    CommandError::Quoting {
        before: "",
        quoted: error.text,
        after: "".into(),
    }
}

/// `SCRIPT LOAD script`
pub(crate) fn script_load(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let digest = engine(context)?.load(&args[2], true).map_err(plain)?;
    Ok(bulk(shown_digest(&digest)))
}

/// `SCRIPT EXISTS sha1 [sha1 ...]`
pub(crate) fn script_exists(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let engine = engine(context)?;
    let is_kept = |text: &[u8]| parse_digest(text).is_some_and(|digest| engine.contains(&digest));
    let digests = args.iter().skip(2);
    Ok(array(digests.map(|text| integer(is_kept(text).into()))))
}

/// `SCRIPT FLUSH [ASYNC | SYNC]`
pub(crate) fn script_flush(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    if !is_flush(args) {
        return Err(CommandError::text(
            "ERR SCRIPT FLUSH only support SYNC|ASYNC option",
        ));
    }
    engine(context)?.clear_scripts();
    Ok(Reply::OK)
}

/// Whether the words behind a FLUSH are a mode, or none.
pub(super) fn is_flush(args: &Args<'_>) -> bool {
    let is_mode =
        |word: &[u8]| word.eq_ignore_ascii_case(b"sync") || word.eq_ignore_ascii_case(b"async");
    args.len() == 2 || (args.len() == 3 && is_mode(&args[2]))
}

/// `SCRIPT KILL`
pub(crate) fn script_kill(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    context.server.scripts.running.kill(Kind::Script)?;
    Ok(Reply::OK)
}

/// `SCRIPT DEBUG YES | SYNC | NO`
pub(crate) fn script_debug(_context: &mut Context<'_>, args: &Args<'_>) -> Result {
    if args[2].eq_ignore_ascii_case(b"no") {
        return Ok(Reply::OK);
    }
    if [b"yes".as_slice(), b"sync"].contains(&args[2].to_ascii_lowercase().as_slice()) {
        return Err(CommandError::text(
            "ERR fanfare has no debugger for scripts",
        ));
    }
    Err(wrong_subcommand("SCRIPT", &args[1]))
}

/// `SCRIPT HELP`
pub(crate) fn script_help(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(help_reply(
        "SCRIPT",
        &[
            "DEBUG YES | SYNC | NO",
            "    There is no debugger: only NO is accepted.",
            "EXISTS sha1 [sha1 ...]",
            "    Tell for each digest whether its script is kept.",
            "FLUSH [ASYNC | SYNC]",
            "    Forget all scripts.",
            "KILL",
            "    End the script that runs. One that has changed keys is not ended.",
            "LOAD script",
            "    Keep a script until FLUSH, without running it, and tell its digest.",
        ],
    ))
}
