//! What a standalone server answers about a cluster, replicas, modules and saves.

use std::time::{SystemTime, UNIX_EPOCH};

use fanfare::Server;

use crate::common::client::Client;

commands! {
    "role" => role,
    "lastsave" => lastsave,
    "module" => module,
    "module|help" => module_help,
    "module|list" => module_list,
    "cluster" => cluster,
    "cluster|addslots" => cluster_addslots,
    "cluster|addslotsrange" => cluster_addslotsrange,
    "cluster|bumpepoch" => cluster_bumpepoch,
    "cluster|count-failure-reports" => cluster_count_failure_reports,
    "cluster|countkeysinslot" => cluster_countkeysinslot,
    "cluster|delslots" => cluster_delslots,
    "cluster|delslotsrange" => cluster_delslotsrange,
    "cluster|failover" => cluster_failover,
    "cluster|flushslots" => cluster_flushslots,
    "cluster|forget" => cluster_forget,
    "cluster|getkeysinslot" => cluster_getkeysinslot,
    "cluster|help" => cluster_help,
    "cluster|info" => cluster_info,
    "cluster|keyslot" => cluster_keyslot,
    "cluster|links" => cluster_links,
    "cluster|meet" => cluster_meet,
    "cluster|myid" => cluster_myid,
    "cluster|nodes" => cluster_nodes,
    "cluster|replicas" => cluster_replicas,
    "cluster|replicate" => cluster_replicate,
    "cluster|reset" => cluster_reset,
    "cluster|saveconfig" => cluster_saveconfig,
    "cluster|set-config-epoch" => cluster_set_config_epoch,
    "cluster|setslot" => cluster_setslot,
    "cluster|shards" => cluster_shards,
    "cluster|slaves" => cluster_slaves,
    "cluster|slots" => cluster_slots,
    "asking" => asking,
    "readonly" => readonly,
    "readwrite" => readwrite,
}

async fn role(_: &Server, client: &mut Client) {
    client.ask("ROLE", "*3 $6 master :0 *0").await;
    client.arity("role", &["ROLE x"]).await;
}

async fn lastsave(_: &Server, client: &mut Client) {
    client.line("LASTSAVE").await;
    let saved = client.integer().await;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock");
    assert!((1..=now.as_secs() as i64).contains(&saved), "{saved}");
    client.ask("LASTSAVE", &format!(":{saved}")).await;
    client.arity("lastsave", &["LASTSAVE x"]).await;
}

async fn module(_: &Server, client: &mut Client) {
    client.arity("module", &["MODULE"]).await;
    let unknown = "ERR unknown subcommand 'nosuch'. Try MODULE HELP.";
    client.error("MODULE nosuch", unknown).await;
}

async fn module_help(_: &Server, client: &mut Client) {
    client.arity("module|help", &["MODULE HELP x"]).await;
    client.line("MODULE HELP").await;
    client
        .reads(
            "*5\r\n+MODULE has these subcommands:\r\n+LIST\r\n\
             +    The modules: none, as fanfare loads no modules.\r\n\
             +HELP\r\n+    Show this list.\r\n",
        )
        .await;
}

async fn module_list(_: &Server, client: &mut Client) {
    client.ask("MODULE LIST", "*0").await;
    client.arity("module|list", &["MODULE LIST x"]).await;
}

async fn cluster(_: &Server, client: &mut Client) {
    client.arity("cluster", &["CLUSTER"]).await;
    let unknown = "ERR unknown subcommand 'nosuch'. Try CLUSTER HELP.";
    client.error("CLUSTER nosuch", unknown).await;
}

/// A command of so many words, or at least so many, answers that there is no cluster, and first of all
/// whether it has its arguments.
async fn refused(client: &mut Client, name: &str, arity: i64) {
    let words = name.to_ascii_uppercase().replace('|', " ");
    let own = words.split(' ').count();
    let least = arity.unsigned_abs() as usize;
    let line = format!("{words}{}", " 1".repeat(least - own));
    client
        .error(&line, "ERR This instance has cluster support disabled")
        .await;
    if arity > 0 {
        client.arity(name, &[&format!("{line} 1")]).await;
    }
    if least > own {
        client.arity(name, &[&words]).await;
    }
}

async fn cluster_addslots(_: &Server, client: &mut Client) {
    refused(client, "cluster|addslots", -3).await;
}

async fn cluster_addslotsrange(_: &Server, client: &mut Client) {
    refused(client, "cluster|addslotsrange", -4).await;
}

async fn cluster_bumpepoch(_: &Server, client: &mut Client) {
    refused(client, "cluster|bumpepoch", 2).await;
}

async fn cluster_count_failure_reports(_: &Server, client: &mut Client) {
    refused(client, "cluster|count-failure-reports", 3).await;
}

async fn cluster_countkeysinslot(_: &Server, client: &mut Client) {
    refused(client, "cluster|countkeysinslot", 3).await;
}

async fn cluster_delslots(_: &Server, client: &mut Client) {
    refused(client, "cluster|delslots", -3).await;
}

async fn cluster_delslotsrange(_: &Server, client: &mut Client) {
    refused(client, "cluster|delslotsrange", -4).await;
}

async fn cluster_failover(_: &Server, client: &mut Client) {
    refused(client, "cluster|failover", -2).await;
}

async fn cluster_flushslots(_: &Server, client: &mut Client) {
    refused(client, "cluster|flushslots", 2).await;
}

async fn cluster_forget(_: &Server, client: &mut Client) {
    refused(client, "cluster|forget", 3).await;
}

async fn cluster_getkeysinslot(_: &Server, client: &mut Client) {
    refused(client, "cluster|getkeysinslot", 4).await;
}

async fn cluster_help(_: &Server, client: &mut Client) {
    refused(client, "cluster|help", 2).await;
}

async fn cluster_info(_: &Server, client: &mut Client) {
    refused(client, "cluster|info", 2).await;
}

async fn cluster_keyslot(_: &Server, client: &mut Client) {
    refused(client, "cluster|keyslot", 3).await;
}

async fn cluster_links(_: &Server, client: &mut Client) {
    refused(client, "cluster|links", 2).await;
}

async fn cluster_meet(_: &Server, client: &mut Client) {
    refused(client, "cluster|meet", -4).await;
}

async fn cluster_myid(_: &Server, client: &mut Client) {
    refused(client, "cluster|myid", 2).await;
}

async fn cluster_nodes(_: &Server, client: &mut Client) {
    refused(client, "cluster|nodes", 2).await;
}

async fn cluster_replicas(_: &Server, client: &mut Client) {
    refused(client, "cluster|replicas", 3).await;
}

async fn cluster_replicate(_: &Server, client: &mut Client) {
    refused(client, "cluster|replicate", 3).await;
}

async fn cluster_reset(_: &Server, client: &mut Client) {
    refused(client, "cluster|reset", -2).await;
}

async fn cluster_saveconfig(_: &Server, client: &mut Client) {
    refused(client, "cluster|saveconfig", 2).await;
}

async fn cluster_set_config_epoch(_: &Server, client: &mut Client) {
    refused(client, "cluster|set-config-epoch", 3).await;
}

async fn cluster_setslot(_: &Server, client: &mut Client) {
    refused(client, "cluster|setslot", -4).await;
}

async fn cluster_shards(_: &Server, client: &mut Client) {
    refused(client, "cluster|shards", 2).await;
}

async fn cluster_slaves(_: &Server, client: &mut Client) {
    refused(client, "cluster|slaves", 3).await;
}

async fn cluster_slots(_: &Server, client: &mut Client) {
    refused(client, "cluster|slots", 2).await;
}

async fn asking(_: &Server, client: &mut Client) {
    refused(client, "asking", 1).await;
}

async fn readonly(_: &Server, client: &mut Client) {
    refused(client, "readonly", 1).await;
}

async fn readwrite(_: &Server, client: &mut Client) {
    refused(client, "readwrite", 1).await;
}
