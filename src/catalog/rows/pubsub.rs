//! Rows: publishing, subscribing and PUBSUB.
//!
//! A shard channel's position is a key specification of the kind `not_key`: proxies route by it,
//! and COMMAND GETKEYS leaves it out.

use crate::catalog::spec::Flag::{Fast, Loading, NoScript, PubSub, Stale, WhileSubscribed};
use crate::catalog::spec::{Arg, KeySpec, Spec};
use crate::client::Namespace;

/// The rows of this group.
pub(crate) const ROWS: &[Spec] = &[
    Spec::new("publish", 3)
        .flags(&[PubSub, Loading, Stale, Fast])
        .publishes(Namespace::Channel)
        .origin("pubsub", "2.0.0")
        .summary("Post a message to a channel")
        .complexity(
            "O(N+M) where N is the number of clients subscribed to the receiving channel \
            and M is the total number of subscribed patterns (by any client).",
        )
        .arguments(&[Arg::string("channel"), Arg::string("message")]),
    Spec::new("spublish", 3)
        .flags(&[PubSub, Loading, Stale, Fast])
        .publishes(Namespace::Shard)
        .keys(&[KeySpec::at(1, &["not_key"])])
        .origin("pubsub", "7.0.0")
        .summary("Post a message to a shard channel")
        .complexity(
            "O(N) where N is the number of clients subscribed to the receiving shard \
            channel.",
        )
        .arguments(&[Arg::string("shardchannel"), Arg::string("message")]),
    Spec::new("subscribe", -2)
        .flags(&[PubSub, NoScript, Loading, Stale, WhileSubscribed])
        .subscribes(Namespace::Channel)
        .origin("pubsub", "2.0.0")
        .summary("Listen for messages published to the given channels")
        .complexity("O(N) where N is the number of channels to subscribe to.")
        .arguments(&[Arg::string("channel").multiple()]),
    Spec::new("psubscribe", -2)
        .flags(&[PubSub, NoScript, Loading, Stale, WhileSubscribed])
        .subscribes(Namespace::Pattern)
        .origin("pubsub", "2.0.0")
        .summary("Listen for messages published to channels matching the given patterns")
        .complexity("O(N) where N is the number of patterns the client is already subscribed to.")
        .arguments(&[Arg::block("pattern", &[Arg::pattern("pattern")]).multiple()]),
    Spec::new("ssubscribe", -2)
        .flags(&[PubSub, NoScript, Loading, Stale, WhileSubscribed])
        .subscribes(Namespace::Shard)
        .keys(&[KeySpec::from(1, &["not_key"])])
        .origin("pubsub", "7.0.0")
        .summary("Listen for messages published to the given shard channels")
        .complexity("O(N) where N is the number of shard channels to subscribe to.")
        .arguments(&[Arg::string("shardchannel").multiple()]),
    Spec::new("unsubscribe", -1)
        .flags(&[PubSub, NoScript, Loading, Stale, WhileSubscribed])
        .origin("pubsub", "2.0.0")
        .summary("Stop listening for messages posted to the given channels")
        .complexity("O(N) where N is the number of clients already subscribed to a channel.")
        .arguments(&[Arg::string("channel").optional().multiple()]),
    Spec::new("punsubscribe", -1)
        .flags(&[PubSub, NoScript, Loading, Stale, WhileSubscribed])
        .origin("pubsub", "2.0.0")
        .summary("Stop listening for messages posted to channels matching the given patterns")
        .complexity(
            "O(N+M) where N is the number of patterns the client is already subscribed and \
            M is the number of total patterns subscribed in the system (by any client).",
        )
        .arguments(&[Arg::pattern("pattern").optional().multiple()]),
    Spec::new("sunsubscribe", -1)
        .flags(&[PubSub, NoScript, Loading, Stale, WhileSubscribed])
        .keys(&[KeySpec::from(1, &["not_key"])])
        .origin("pubsub", "7.0.0")
        .summary("Stop listening for messages posted to the given shard channels")
        .complexity("O(N) where N is the number of clients already subscribed to a shard channel.")
        .arguments(&[Arg::string("shardchannel").optional().multiple()]),
    Spec::container("pubsub", PUBSUB)
        .origin("pubsub", "2.8.0")
        .summary("A container for Pub/Sub commands")
        .complexity("Depends on subcommand."),
];

/// PUBSUB's subcommands.
const PUBSUB: &[Spec] = &[
    Spec::new("channels", -2)
        .flags(&[PubSub, Loading, Stale])
        .origin("pubsub", "2.8.0")
        .summary("List active channels")
        .complexity(
            "O(N) where N is the number of active channels, and assuming constant time \
            pattern matching (relatively short channels and patterns)",
        )
        .arguments(&[Arg::pattern("pattern").optional()]),
    Spec::new("help", 2)
        .flags(&[Loading, Stale])
        .origin("pubsub", "6.2.0")
        .summary("Show helpful text about the different subcommands")
        .complexity("O(1)"),
    Spec::new("numpat", 2)
        .flags(&[PubSub, Loading, Stale])
        .origin("pubsub", "2.8.0")
        .summary("Get the count of unique patterns pattern subscriptions")
        .complexity("O(1)"),
    Spec::new("numsub", -2)
        .flags(&[PubSub, Loading, Stale])
        .origin("pubsub", "2.8.0")
        .summary("Get the count of subscribers for channels")
        .complexity("O(N) for the NUMSUB subcommand, where N is the number of requested channels")
        .arguments(&[Arg::string("channel").optional().multiple()]),
    Spec::new("shardchannels", -2)
        .flags(&[PubSub, Loading, Stale])
        .origin("pubsub", "7.0.0")
        .summary("List active shard channels")
        .complexity(
            "O(N) where N is the number of active shard channels, and assuming constant \
            time pattern matching (relatively short shard channels).",
        )
        .arguments(&[Arg::pattern("pattern").optional()]),
    Spec::new("shardnumsub", -2)
        .flags(&[PubSub, Loading, Stale])
        .origin("pubsub", "7.0.0")
        .summary("Get the count of subscribers for shard channels")
        .complexity(
            "O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard \
            channels",
        )
        .arguments(&[Arg::string("shardchannel").optional().multiple()]),
];
