//! Compares the table with a simple model, and the prefixes with trying them all.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::client::socket::Socket;
use crate::client::{Addresses, Kept};

const CLIENTS: u64 = 4;
const KEYS: usize = 12;

#[derive(Clone, Debug)]
enum Step {
    Read(u64, usize),
    Change(usize),
    Flush,
    Forget(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = || 0..CLIENTS;
    let step = prop_oneof![
        8 => (client(), 0..KEYS).prop_map(|(client, key)| Step::Read(client, key)),
        4 => (0..KEYS).prop_map(Step::Change),
        1 => Just(Step::Flush),
        1 => client().prop_map(Step::Forget),
    ];
    prop::collection::vec(step, 1..200)
}

fn client(id: ClientId) -> Arc<Client> {
    let (ours, _) = tokio::net::UnixStream::pair().expect("a pair of sockets");
    let socket = Socket::from(ours);
    Arc::new(Client::new(id, Addresses::unix(Arc::default()), socket))
}

fn key(number: usize) -> Vec<u8> {
    format!("key-{number}").into_bytes()
}

/// The pending changes: keys with their readers, and `None` for all keys.
fn take_pending(table: &mut Tracking) -> Vec<Option<(Vec<u8>, BTreeSet<ClientId>)>> {
    let pending = std::mem::take(&mut table.pending);
    let shown = pending.into_iter().map(|news| match news {
        Pending::Everything => None,
        Pending::Key { key, readers, .. } => Some((key.to_vec(), readers.into_iter().collect())),
    });
    shown.collect()
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_io().build().expect("a runtime")
}

proptest! {
    #[test]
    fn the_table_is_a_map_of_keys_to_readers(steps in steps()) {
        let runtime = runtime();
        let _entered = runtime.enter();
        let mut table = Tracking::default();
        let mut clients: Vec<_> = (0..CLIENTS).map(client).collect();
        for client in &clients {
            table.turn_on(client, Request::default());
        }
        let mut model: BTreeMap<Vec<u8>, BTreeSet<ClientId>> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Read(id, number) => {
                    table.remember(&clients[id as usize], &key(number), 0);
                    model.entry(key(number)).or_default().insert(id);
                }
                Step::Change(number) => {
                    table.changed(&key(number));
                    let readers = model.remove(&key(number));
                    let expected = readers.map(|readers| Some((key(number), readers)));
                    prop_assert_eq!(take_pending(&mut table), Vec::from_iter(expected));
                }
                Step::Flush => {
                    let _ = table.flush();
                    model.clear();
                    prop_assert_eq!(take_pending(&mut table), [None]);
                }
                Step::Forget(id) => {
                    while table.forget(&clients[id as usize]) {}
                    for readers in model.values_mut() {
                        readers.remove(&id);
                    }
                    model.retain(|_, readers| !readers.is_empty());
                    prop_assert!(!clients[id as usize].tracking.is_listed());
                    // Another client takes its place.
                    clients[id as usize] = client(id);
                    table.turn_on(&clients[id as usize], Request::default());
                }
            }
            let items = model.values().map(BTreeSet::len).sum();
            let expected = Figures {
                clients: CLIENTS as usize,
                keys: model.len(),
                items,
                prefixes: 0,
            };
            prop_assert_eq!(table.figures(), expected);
            for client in &clients {
                let read = model.iter().filter(|(_, readers)| readers.contains(&client.id));
                let memory: usize = read.map(|(key, _)| PER_READ + key.len()).sum();
                prop_assert_eq!(client.kept(Kept::Tracked), memory);
            }
        }
    }

    #[test]
    fn a_key_finds_its_prefixes(
        prefixes in prop::collection::btree_set("[a*?\\[\\]\\\\^-]{0,3}", 0..8),
        keys in prop::collection::vec("[a*?\\[\\]\\\\^-]{0,4}", 1..20),
    ) {
        let mut table = Prefixes::default();
        for (client, prefix) in prefixes.iter().enumerate() {
            prop_assert!(table.add(client as ClientId, prefix.as_bytes().into()));
            prop_assert!(!table.add(client as ClientId, prefix.as_bytes().into()));
        }
        for key in &keys {
            table.changed(key.as_bytes(), Author::Command);
            let mut told = BTreeSet::new();
            table.take_changed(|change| {
                assert!(change.keys.keys().map(|key| &**key).eq([key.as_bytes()]));
                told.extend(change.clients.iter().copied());
            });
            let matching = prefixes.iter().enumerate();
            let matching = matching.filter(|(_, prefix)| key.starts_with(prefix.as_str()));
            let expected: BTreeSet<ClientId> = matching.map(|(client, _)| client as ClientId).collect();
            prop_assert_eq!(told, expected, "{}", key);
        }
        for client in 0..prefixes.len() {
            prop_assert!(!table.forget(client as ClientId, 10));
        }
        prop_assert_eq!(table.len(), 0);
    }

    #[test]
    fn an_overlap_is_the_first_of_the_clients(
        own in prop::collection::vec("[ab]{0,4}", 0..6),
        prefix in "[ab]{0,4}",
    ) {
        let mut table = Prefixes::default();
        let mut kept: BTreeSet<String> = BTreeSet::new();
        for own in own {
            // As CLIENT TRACKING adds them: none that overlaps, except that the empty one may be
            // added at any time.
            let overlaps = kept.iter().any(|kept| kept.starts_with(&own) || own.starts_with(kept));
            if own.is_empty() || !overlaps {
                table.add(1, own.as_bytes().into());
                kept.insert(own);
            }
        }
        let expected = kept.iter().find(|own| own.starts_with(&prefix) || prefix.starts_with(*own));
        let found = table.overlapping(1, prefix.as_bytes());
        prop_assert_eq!(found, expected.map(|own| own.as_bytes()));
    }
}

/// A closed client is removed in steps, while its keys change and their slots are reused.
#[test]
fn a_client_leaves_in_steps() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let (leaving, stays) = (client(1), client(2));
    let mut table = Tracking::default();
    for client in [&leaving, &stays] {
        table.turn_on(client, Request::default());
    }
    for number in 0..3 * SOME {
        table.remember(&leaving, &key(number), 0);
    }
    assert!(table.forget(&leaving));
    assert_eq!(table.figures().items, 2 * SOME);
    // It reads nothing more, and other keys take its slots.
    table.remember(&leaving, b"late", 0);
    for number in 0..3 * SOME {
        table.changed(&key(number));
    }
    for number in 0..3 * SOME {
        table.remember(&stays, &key(1000 + number), 0);
    }
    while table.forget(&leaving) {}
    assert_eq!(table.figures().items, 3 * SOME);
    assert_eq!(table.figures().keys, 3 * SOME);
    assert!(!leaving.tracking.is_listed());
    let memory = stays.kept(Kept::Tracked);
    assert_eq!(memory, 3 * SOME * (PER_READ + b"key-1000".len()));
}
