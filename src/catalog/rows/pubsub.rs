//! Rows: publishing, subscribing and PUBSUB.
//!
//! Layer `catalog`. A table of constants. PUBSUB RECEIVERS and PUBSUB TOP are fanfare's own.
//!
//! A shard channel's position is a key specification with the flag `not_key`. Proxies route by it,
//! and COMMAND GETKEYS leaves it out.

use crate::catalog::spec::Flag::{Admin, Fast, Loading, NoScript, PubSub, Stale, WhileSubscribed};
use crate::catalog::spec::{Arg, KeySpec, Spec};
use crate::client::Namespace;

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("publish", 3)
        .flags(&[PubSub, Loading, Stale, Fast])
        .publishes(Namespace::Channel)
        .origin("pubsub", "2.0.0")
        .summary("Send a message to a channel's subscribers")
        .complexity(
            "O(N+M) for N subscribers of the channel and M subscriptions to patterns that match it",
        )
        .arguments(&[Arg::string("channel"), Arg::string("message")]),
    Spec::new("spublish", 3)
        .flags(&[PubSub, Loading, Stale, Fast])
        .publishes(Namespace::Shard)
        .keys(&[KeySpec::at(1, &["not_key"])])
        .origin("pubsub", "7.0.0")
        .summary("Send a message to a shard channel's subscribers")
        .complexity("O(N) for N subscribers of the channel")
        .arguments(&[Arg::string("shardchannel"), Arg::string("message")]),
    Spec::new("subscribe", -2)
        .flags(&[PubSub, NoScript, Loading, Stale, WhileSubscribed])
        .subscribes(Namespace::Channel)
        .origin("pubsub", "2.0.0")
        .summary("Receive what is published to channels")
        .complexity("O(N) for N channels")
        .arguments(&[Arg::string("channel").multiple()]),
    Spec::new("psubscribe", -2)
        .flags(&[PubSub, NoScript, Loading, Stale, WhileSubscribed])
        .subscribes(Namespace::Pattern)
        .origin("pubsub", "2.0.0")
        .summary("Receive what is published to channels that match patterns")
        .complexity("O(N) for N patterns")
        .arguments(&[Arg::block("pattern", &[Arg::pattern("pattern")]).multiple()]),
    Spec::new("ssubscribe", -2)
        .flags(&[PubSub, NoScript, Loading, Stale, WhileSubscribed])
        .subscribes(Namespace::Shard)
        .keys(&[KeySpec::from(1, &["not_key"])])
        .origin("pubsub", "7.0.0")
        .summary("Receive what is published to shard channels")
        .complexity("O(N) for N channels")
        .arguments(&[Arg::string("shardchannel").multiple()]),
    Spec::new("unsubscribe", -1)
        .flags(&[PubSub, NoScript, Loading, Stale, WhileSubscribed])
        .origin("pubsub", "2.0.0")
        .summary("Stop receiving from channels, or from all")
        .complexity("O(N) for N channels")
        .arguments(&[Arg::string("channel").optional().multiple()]),
    Spec::new("punsubscribe", -1)
        .flags(&[PubSub, NoScript, Loading, Stale, WhileSubscribed])
        .origin("pubsub", "2.0.0")
        .summary("Stop receiving from patterns, or from all")
        .complexity("O(N) for N patterns")
        .arguments(&[Arg::pattern("pattern").optional().multiple()]),
    Spec::new("sunsubscribe", -1)
        .flags(&[PubSub, NoScript, Loading, Stale, WhileSubscribed])
        .keys(&[KeySpec::from(1, &["not_key"])])
        .origin("pubsub", "7.0.0")
        .summary("Stop receiving from shard channels, or from all")
        .complexity("O(N) for N channels")
        .arguments(&[Arg::string("shardchannel").optional().multiple()]),
    Spec::container("pubsub", PUBSUB)
        .origin("pubsub", "2.8.0")
        .summary("Look at who is subscribed to what")
        .complexity("Depends on the subcommand"),
];

/// PUBSUB's subcommands.
const PUBSUB: &[Spec] = &[
    Spec::new("channels", -2)
        .flags(&[PubSub, Loading, Stale])
        .origin("pubsub", "2.8.0")
        .summary("List channels that have subscribers")
        .complexity("O(N) for N channels, if names and pattern are short")
        .arguments(&[Arg::pattern("pattern").optional()]),
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .origin("pubsub", "6.2.0")
        .summary("List the subcommands and what they do")
        .complexity("O(1)"),
    Spec::new("numpat", 2)
        .flags(&[PubSub, Loading, Stale])
        .origin("pubsub", "2.8.0")
        .summary("Count the patterns that somebody is subscribed to")
        .complexity("O(1)"),
    Spec::new("numsub", -2)
        .flags(&[PubSub, Loading, Stale])
        .origin("pubsub", "2.8.0")
        .summary("Count the subscribers of channels")
        .complexity("O(N) for N channels asked for")
        .arguments(&[Arg::string("channel").optional().multiple()]),
    Spec::new("receivers", -3)
        .flags(&[PubSub, Admin, NoScript, Loading, Stale])
        .tips(&["nondeterministic_output_order"])
        .origin("pubsub", "7.2.0")
        .summary("List who would get a message to a channel")
        .complexity("O(N+M) for N patterns that match and M subscribers that are listed")
        .arguments(&[
            Arg::string("channel"),
            Arg::integer("limit").token("LIMIT").optional(),
        ]),
    Spec::new("shardchannels", -2)
        .flags(&[PubSub, Loading, Stale])
        .origin("pubsub", "7.0.0")
        .summary("List shard channels that have subscribers")
        .complexity("O(N) for N channels, if names and pattern are short")
        .arguments(&[Arg::pattern("pattern").optional()]),
    Spec::new("shardnumsub", -2)
        .flags(&[PubSub, Loading, Stale])
        .origin("pubsub", "7.0.0")
        .summary("Count the subscribers of shard channels")
        .complexity("O(N) for N channels asked for")
        .arguments(&[Arg::string("shardchannel").optional().multiple()]),
    Spec::new("top", -2)
        .flags(&[PubSub, Loading, Stale])
        .tips(&["nondeterministic_output"])
        .origin("pubsub", "7.2.0")
        .summary("List the busiest channels of the last seconds or minutes")
        .complexity("O(1): a few thousand channels at most are looked at")
        .arguments(&[
            Arg::one_of(
                "by",
                &[
                    Arg::pure_token("messages", "MESSAGES"),
                    Arg::pure_token("bytes", "BYTES"),
                    Arg::pure_token("receivers", "RECEIVERS"),
                ],
            )
            .token("BY")
            .optional(),
            Arg::integer("seconds").token("WINDOW").optional(),
            Arg::integer("count").token("COUNT").optional(),
        ]),
];
