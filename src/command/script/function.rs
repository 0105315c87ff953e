//! FUNCTION and FCALL.
//!
//! Layer `command`.

use super::call::Task;
use super::{Access, Args, Context, Result, engine, is_flush, plain, run, script_arguments};
use crate::command::pubsub::{help as help_reply, wrong_subcommand};
use crate::glob;
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, array, bulk, integer, map, set, status};
use crate::resp::request::parse_integer;
use crate::script::errors::BUSY_SCRIPT;
use crate::script::library::{FunctionAbout, Library};
use crate::script::running::Kind;

/// `FCALL function numkeys [key [key ...]] [arg [arg ...]]`
pub(crate) fn fcall(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    call(context, args, Access::Write)
}

/// `FCALL_RO function numkeys [key [key ...]] [arg [arg ...]]`
pub(crate) fn fcall_ro(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    call(context, args, Access::ReadOnly)
}

fn call(context: &mut Context<'_>, args: &Args<'_>, access: Access) -> Result {
    const NOT_FOUND: CommandError = CommandError::text("ERR Function not found");
    let mut engine = engine(context)?;
    let name = &args[1];
    let flags = engine.find_function(name).ok_or(NOT_FOUND)?;
    let keys =
        parse_integer(&args[2]).ok_or(CommandError::text("ERR Bad number of keys provided"))?;
    let arguments = script_arguments(args, keys)?;
    let task = Task {
        kind: Kind::Function,
        flags: &flags,
        access,
        args,
    };
    run(context, &task, |host| {
        let result = engine.call(name, arguments, host);
        // It was found before, and the engine is this call's own.
        let result = result.unwrap_or(Ok(Reply::Null));
        result.map_err(|error| (error, name.to_vec()))
    })
}

/// `FUNCTION LOAD [REPLACE] function-code`
pub(crate) fn load(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let last = args.len() - 1;
    let mut replace = false;
    for word in args.iter().take(last).skip(2) {
        if !word.eq_ignore_ascii_case(b"replace") {
            return Err(CommandError::Quoting {
                before: "ERR Unknown option given: ",
                quoted: word.to_vec(),
                after: "".into(),
            });
        }
        replace = true;
    }
    let name = engine(context)?.load_library(&args[last], replace);
    Ok(bulk(name.map_err(plain)?.into_vec()))
}

/// `FUNCTION DELETE library-name`
pub(crate) fn delete(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    if !engine(context)?.remove_library(&args[2]) {
        return Err(CommandError::text("ERR Library not found"));
    }
    Ok(Reply::OK)
}

/// `FUNCTION FLUSH [ASYNC | SYNC]`
pub(crate) fn flush(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    if args.len() > 3 {
        return Err(wrong_subcommand("FUNCTION", &args[1]));
    }
    if !is_flush(args) {
        return Err(CommandError::text(
            "ERR FUNCTION FLUSH only supports SYNC|ASYNC option",
        ));
    }
    engine(context)?.clear_libraries();
    Ok(Reply::OK)
}

/// `FUNCTION LIST [LIBRARYNAME library-name-pattern] [WITHCODE]`
pub(crate) fn list(context: &mut Context<'_>, args: &Args<'_>) -> Result {
    let (mut with_code, mut pattern) = (false, None);
    let mut words = args.iter().skip(2);
    while let Some(word) = words.next() {
        if !with_code && word.eq_ignore_ascii_case(b"withcode") {
            with_code = true;
        } else if pattern.is_none() && word.eq_ignore_ascii_case(b"libraryname") {
            let given = words.next();
            pattern = Some(given.ok_or(CommandError::text(
                "ERR library name argument was not given",
            ))?);
        } else {
            return Err(CommandError::Quoting {
                before: "ERR Unknown argument ",
                quoted: word.to_vec(),
                after: "".into(),
            });
        }
    }
    let engine = engine(context)?;
    let libraries = engine
        .libraries()
        .filter(|(name, _)| pattern.is_none_or(|pattern| glob::matches_ignore_case(pattern, name)));
    let shown = libraries.map(|(name, library)| shown(name, library, with_code));
    Ok(array(shown.collect::<Vec<_>>()))
}

fn shown(name: &[u8], library: &Library, with_code: bool) -> Reply {
    let functions = library.functions.iter().map(|(name, about)| {
        let FunctionAbout { flags, description } = about;
        let description = description
            .clone()
            .map_or(Reply::Null, |text| bulk(text.into_vec()));
        map([
            ("name", bulk(name.to_vec())),
            ("description", description),
            ("flags", set(flags.names().map(status))),
        ])
    });
    let mut fields = vec![
        ("library_name", bulk(name.to_vec())),
        ("engine", bulk("LUA")),
        ("functions", array(functions)),
    ];
    if with_code {
        fields.push(("library_code", bulk(library.code.to_vec())));
    }
    map(fields)
}

/// `FUNCTION KILL`
pub(crate) fn kill(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    context.server.scripts.running.kill(Kind::Function)?;
    Ok(Reply::OK)
}

/// `FUNCTION STATS`. It waits for nobody, so that it can be asked while a function runs.
pub(crate) fn stats(context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    let scripts = &context.server.scripts;
    if scripts.running.busy() == Some(BUSY_SCRIPT) {
        return Err(BUSY_SCRIPT);
    }
    let running = scripts.running.slow_function().map_or(Reply::Null, |slow| {
        let command = slow.command.into_iter().map(|word| bulk(word.into_vec()));
        let took = slow.began.elapsed().as_millis() as i64;
        map([
            ("name", bulk(slow.name.into_vec())),
            ("command", array(command)),
            ("duration_ms", integer(took)),
        ])
    });
    let figures = scripts.figures();
    let lua = map([
        ("libraries_count", integer(figures.libraries as i64)),
        ("functions_count", integer(figures.functions as i64)),
    ]);
    Ok(map([
        ("running_script", running),
        ("engines", map([("LUA", lua)])),
    ]))
}

/// `FUNCTION DUMP`
pub(crate) fn dump(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Err(CommandError::text(
        "ERR fanfare does not write Redis's format of libraries; FUNCTION LIST WITHCODE shows them",
    ))
}

/// `FUNCTION RESTORE serialized-value [FLUSH | APPEND | REPLACE]`
pub(crate) fn restore(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Err(CommandError::text(
        "ERR fanfare does not read Redis's format of libraries; load them with FUNCTION LOAD",
    ))
}

/// `FUNCTION HELP`
pub(crate) fn help(_context: &mut Context<'_>, _args: &Args<'_>) -> Result {
    Ok(help_reply(
        "FUNCTION",
        &[
            "DELETE library-name",
            "    Delete a library and its functions.",
            "FLUSH [ASYNC | SYNC]",
            "    Delete all libraries.",
            "KILL",
            "    End the function that runs. One that has changed keys is not ended.",
            "LIST [LIBRARYNAME pattern] [WITHCODE]",
            "    Show libraries and their functions.",
            "LOAD [REPLACE] function-code",
            "    Load a library. Its text begins with: #!lua name=library-name",
            "STATS",
            "    Show the function that runs, and how many libraries and functions there are.",
        ],
    ))
}
