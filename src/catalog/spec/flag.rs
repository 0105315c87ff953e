//! The flags of a command: what it does, and when it is allowed.
//!
//! Layer `catalog`. It uses nothing else. The dispatcher only looks at a command's flags, never at
//! its name.

/// A flag, in the order in which COMMAND INFO shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Redis documents them: https://redis.io/docs/latest/commands/command/
pub(crate) enum Flag {
    Write,
    ReadOnly,
    DenyOom,
    Admin,
    PubSub,
    NoScript,
    Blocking,
    Loading,
    Stale,
    SkipMonitor,
    SkipSlowlog,
    Fast,
    NoAuth,
    NoMandatoryKeys,
    NoAsyncLoading,
    NoMulti,
    MovableKeys,
    AllowBusy,
    /// Not shown, as in Redis: a setting must allow the command (`enable-debug-command`).
    Protected,
    /// Not shown: a RESP2 connection with subscriptions may use the command.
    WhileSubscribed,
    /// Not shown: the command reads, but what it changes would be sent to replicas (PFCOUNT).
    MayReplicate,
    /// Not shown: nobody else gets what the command replies with, though it stays at its key
    /// (XREADGROUP).
    Delivers,
}

impl Flag {
    const ALL: [Flag; 22] = [
        Flag::Write,
        Flag::ReadOnly,
        Flag::DenyOom,
        Flag::Admin,
        Flag::PubSub,
        Flag::NoScript,
        Flag::Blocking,
        Flag::Loading,
        Flag::Stale,
        Flag::SkipMonitor,
        Flag::SkipSlowlog,
        Flag::Fast,
        Flag::NoAuth,
        Flag::NoMandatoryKeys,
        Flag::NoAsyncLoading,
        Flag::NoMulti,
        Flag::MovableKeys,
        Flag::AllowBusy,
        Flag::Protected,
        Flag::WhileSubscribed,
        Flag::MayReplicate,
        Flag::Delivers,
    ];

    /// The name that COMMAND INFO shows; `None` if it is not shown.
    pub(crate) const fn name(self) -> Option<&'static str> {
        Some(match self {
            Flag::Write => "write",
            Flag::ReadOnly => "readonly",
            Flag::DenyOom => "denyoom",
            Flag::Admin => "admin",
            Flag::PubSub => "pubsub",
            Flag::NoScript => "noscript",
            Flag::Blocking => "blocking",
            Flag::Loading => "loading",
            Flag::Stale => "stale",
            Flag::SkipMonitor => "skip_monitor",
            Flag::SkipSlowlog => "skip_slowlog",
            Flag::Fast => "fast",
            Flag::NoAuth => "no_auth",
            Flag::NoMandatoryKeys => "no_mandatory_keys",
            Flag::NoAsyncLoading => "no_async_loading",
            Flag::NoMulti => "no_multi",
            Flag::MovableKeys => "movablekeys",
            Flag::AllowBusy => "allow_busy",
            Flag::Protected | Flag::WhileSubscribed | Flag::MayReplicate | Flag::Delivers => {
                return None;
            }
        })
    }
}

/// A set of flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u32);

impl Flags {
    /// A set of these flags.
    ///
    /// # Panics
    /// A flag is given twice. Rows are constants, so the compiler reports this.
    pub(crate) const fn of(flags: &[Flag]) -> Flags {
        let mut set = Flags(0);
        let mut index = 0;
        while index < flags.len() {
            assert!(!set.has(flags[index]), "a flag is given twice");
            set = set.with(flags[index]);
            index += 1;
        }
        set
    }

    /// These flags and another one.
    pub(crate) const fn with(self, flag: Flag) -> Flags {
        Flags(self.0 | 1 << flag as u32)
    }

    /// Whether `flag` is among them.
    pub(crate) const fn has(self, flag: Flag) -> bool {
        self.0 & 1 << flag as u32 != 0
    }

    /// The names that COMMAND INFO shows, in its order.
    pub(crate) fn shown(self) -> impl Iterator<Item = &'static str> {
        let own = Flag::ALL.into_iter().filter(move |flag| self.has(*flag));
        own.filter_map(Flag::name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_shown_in_order_and_internal_ones_are_not() {
        for (place, flag) in Flag::ALL.into_iter().enumerate() {
            assert_eq!(flag as usize, place, "{flag:?}");
        }
        let flags = [
            Flag::Stale,
            Flag::Protected,
            Flag::WhileSubscribed,
            Flag::Write,
        ];
        let shown: Vec<_> = Flags::of(&flags).shown().collect();
        assert_eq!(shown, ["write", "stale"]);
        assert_eq!(Flags::default().shown().count(), 0);
    }

    #[test]
    #[should_panic(expected = "twice")]
    fn a_flag_is_given_once() {
        Flags::of(&[Flag::Fast, Flag::Fast]);
    }
}
