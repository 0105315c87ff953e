//! What a script calls: Redis's checks, in its order, and then the command's handler.
//!
//! Layer `command`.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::super::table::Handler;
use super::super::{access, dispatch, table};
use super::{Access, Args, Context};
use crate::catalog::spec::Flag;
use crate::catalog::{CATALOG, Command};
use crate::client::log::log_client;
use crate::observe::log_throttle::Told;
use crate::resp::error::CommandError;
use crate::resp::reply::Reply;
use crate::script::errors::Stop;
use crate::script::host::{Host, Level, write_log};
use crate::script::running::{Kind, SlowFunction};
use crate::script::shebang::ScriptFlags;
use crate::state::hand_over::hand_over;

/// What is to be run.
pub(super) struct Task<'t> {
    pub kind: Kind,
    pub flags: &'t ScriptFlags,
    pub access: Access,
    /// The request.
    pub args: &'t Args<'t>,
}

/// The server, as the script of this connection sees it.
pub(super) struct ScriptHost<'r, 'c> {
    context: &'r mut Context<'c>,
    task: &'r Task<'r>,
    /// Memory was short when the script began, and it minds.
    is_out_of_memory: bool,
    began: Instant,
    is_busy: bool,
    /// This thread serves nobody else any more.
    has_handed_over: bool,
}

impl<'r, 'c> ScriptHost<'r, 'c> {
    pub(super) fn new(
        context: &'r mut Context<'c>,
        task: &'r Task<'r>,
        is_out_of_memory: bool,
    ) -> ScriptHost<'r, 'c> {
        let ScriptFlags {
            no_writes,
            allow_oom,
            is_old_style,
            ..
        } = *task.flags;
        let minds = is_old_style || !(no_writes || allow_oom);
        ScriptHost {
            is_out_of_memory: is_out_of_memory && minds,
            began: context.batch_stats.lap_began(),
            context,
            task,
            is_busy: false,
            has_handed_over: false,
        }
    }

    /// The command that a script calls, if it may.
    fn permitted(&mut self, args: &Args<'_>) -> Result<(&'static Command, Handler), CommandError> {
        let Ok(command) = CATALOG.resolve(args) else {
            return Err(CommandError::text(
                "ERR Unknown Redis command called from script",
            ));
        };
        let handler = table::handler(command).filter(|_| command.spec.accepts(args.len()));
        let Some(handler) = handler else {
            return Err(CommandError::text(
                "ERR Wrong number of args calling Redis command from script",
            ));
        };
        // One that may wait does not wait here, since Redis 7.2.
        if command.has(Flag::NoScript) && !command.has(Flag::Blocking) {
            return Err(CommandError::text(
                "ERR This Redis command is not allowed from script",
            ));
        }
        access::require_permission_in_script(self.context, command, args)?;
        let is_read_only = self.task.access == Access::ReadOnly || self.task.flags.no_writes;
        if is_read_only && command.may_replicate() {
            return Err(CommandError::text(
                "ERR Write commands are not allowed from read-only scripts.",
            ));
        }
        let running = &self.context.server.scripts.running;
        if self.is_out_of_memory && command.has(Flag::DenyOom) && !running.has_written() {
            return Err(CommandError::OUT_OF_MEMORY);
        }
        if command.has(Flag::Write) && !running.begin_writing() {
            return Err(Stop::Killed(self.task.kind).error());
        }
        Ok((command, handler))
    }

    /// The script has run for long.
    #[cold]
    fn become_busy(&mut self, after: Duration) {
        self.is_busy = true;
        let function = (self.task.kind == Kind::Function).then(|| SlowFunction {
            name: self.task.args[1].into(),
            command: self.task.args.iter().map(Into::into).collect(),
            began: self.began,
        });
        self.context.server.scripts.running.set_busy(function);
        let server = self.context.server;
        if let Some(times) = server.told.note(Told::SlowScript) {
            let (client, milliseconds) = (self.context.client, after.as_millis() as u64);
            log_client!(warn, client, milliseconds, times, "{}", Told::SlowScript);
        }
    }
}

impl Host for ScriptHost<'_, '_> {
    fn call(&mut self, args: &Args<'_>) -> Reply {
        match self.permitted(args) {
            Ok((command, handler)) => {
                dispatch::call_in_script(self.context, command, handler, args)
            }
            Err(error) => {
                self.context.batch_stats.error(error.code());
                Reply::Error(Box::new(error))
            }
        }
    }

    fn permits(&mut self, args: &Args<'_>) -> Option<bool> {
        let command = CATALOG.resolve(args).ok()?;
        Some(access::permits(self.context, command, args))
    }

    fn log(&mut self, level: Level, line: &[u8]) {
        write_log(level, line);
    }

    fn tick(&mut self) -> Option<Stop> {
        let server = self.context.server;
        if !self.is_busy {
            let threshold = server.config().busy_reply_threshold;
            let ran = self.began.elapsed();
            if threshold > 0 && ran >= Duration::from_millis(threshold) {
                self.become_busy(ran);
            }
        }
        if self.is_busy {
            if !self.has_handed_over {
                self.has_handed_over = hand_over();
            }
            if server.shutdown.has_begun() {
                return Some(Stop::Shutdown);
            }
        }
        server.scripts.running.must_stop()
    }
}

/// Whether keys take more memory than they may.
pub(super) fn is_out_of_memory(context: &mut Context<'_>) -> bool {
    let limit = context.config.maxmemory;
    limit > 0 && context.keyspace().used() as u64 > limit
}

/// The database that the client has selected.
pub(super) fn database(context: &Context<'_>) -> u32 {
    context.client.database.load(Relaxed)
}

/// Selects a database for the client.
pub(super) fn set_database(context: &Context<'_>, database: u32) {
    context.client.database.store(database, Relaxed);
}
