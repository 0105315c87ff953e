//! A group as plain maps.

use std::collections::{BTreeMap, BTreeSet};

use proptest::sample::Index;

use super::super::*;

#[derive(Default)]
pub(super) struct GroupModel {
    consumers: BTreeSet<u8>,
    /// Whose it is, when it was delivered, and how often.
    pending: BTreeMap<StreamId, (u8, u64, u64)>,
    next: u64,
    now: u64,
}

/// The name of a consumer.
fn name(who: u8) -> Vec<u8> {
    vec![b'a' + who; usize::from(who) * 9]
}

impl GroupModel {
    pub(super) fn next_id(&mut self) -> StreamId {
        self.next += 1;
        StreamId::new(1_000 + self.next / 3, self.next % 3)
    }

    pub(super) fn all_ids(&self) -> Vec<StreamId> {
        self.pending.keys().copied().collect()
    }

    pub(super) fn some_ids(&self, at: &Index, count: usize) -> Vec<StreamId> {
        let at = at.index(self.pending.len().max(1));
        self.pending.keys().skip(at).take(count).copied().collect()
    }

    pub(super) fn create(&mut self, group: &mut Group, who: u8) {
        let created = group.create_consumer(&name(who), 7);
        assert_eq!(created.is_some(), self.consumers.insert(who));
        if let Some(created) = created {
            assert_eq!(group.find_consumer(&name(who)), Some(created));
            assert_eq!(group.consumer(created).pending_len(), 0);
        }
    }

    pub(super) fn delete(&mut self, group: &mut Group, who: u8) {
        let found = group.find_consumer(&name(who));
        assert_eq!(found.is_some(), self.consumers.remove(&who));
        let Some(consumer) = found else { return };
        let before = self.pending.len();
        self.pending.retain(|_, pending| pending.0 != who);
        let removed = before - self.pending.len();
        assert_eq!(group.delete_consumer(consumer), removed);
    }

    pub(super) fn deliver(&mut self, group: &mut Group, who: u8, id: StreamId) {
        let Some(consumer) = group.find_consumer(&name(who)) else {
            return;
        };
        self.now += 1;
        self.put(group, consumer, id, (who, self.now, 1));
    }

    pub(super) fn redeliver(&mut self, group: &mut Group, id: StreamId) {
        let Some(delivery) = group.pending(id) else {
            return;
        };
        self.now += 1;
        let who = self.pending[&id].0;
        self.put(
            group,
            delivery.consumer,
            id,
            (who, self.now, delivery.deliveries + 1),
        );
    }

    fn put(&mut self, group: &mut Group, by: ConsumerId, id: StreamId, pending: (u8, u64, u64)) {
        let (_, delivered_at, deliveries) = pending;
        group.deliver(
            id,
            Delivery {
                consumer: by,
                delivered_at,
                deliveries,
            },
        );
        self.pending.insert(id, pending);
    }

    pub(super) fn ack(&mut self, group: &mut Group, id: StreamId) {
        let before = self.pending.remove(&id);
        let acked = group.ack(id).map(|delivery| show(group, delivery));
        assert_eq!(acked, before);
        assert_eq!(group.pending(id), None);
    }

    pub(super) fn compare(&self, group: &Group) {
        assert_eq!(group.pending_len(), self.pending.len());
        let all = group.pending_range(StreamId::MIN, StreamId::MAX);
        let shown = all.map(|(id, delivery)| (id, show(group, delivery)));
        assert!(shown.eq(self.pending.iter().map(|(id, pending)| (*id, *pending))));

        assert_eq!(group.consumers_len(), self.consumers.len());
        let names = group
            .consumers()
            .map(|(_, consumer)| consumer.name().to_vec());
        assert!(names.eq(self.consumers.iter().map(|who| name(*who))));

        let mut ids = self.pending.keys().copied();
        let (from, to) = (
            ids.nth(self.pending.len() / 4),
            ids.nth(self.pending.len() / 3),
        );
        let (from, to) = (from.unwrap_or(StreamId::MIN), to.unwrap_or(StreamId::MAX));
        let inside = self.pending.range(from..=to);
        let range = group.pending_range(from, to);
        assert!(
            range
                .rev()
                .map(|(id, _)| id)
                .eq(inside.clone().rev().map(|(id, _)| *id))
        );
        for (_, consumer) in group.consumers() {
            let own = inside
                .clone()
                .filter(|(_, pending)| name(pending.0) == consumer.name());
            assert!(consumer.pending(from, to).eq(own.map(|(id, _)| *id)));
        }
        assert_eq!(
            group.pending_range(to, from).count(),
            usize::from(from == to && !inside.count().eq(&0))
        );
    }
}

fn show(group: &Group, delivery: Delivery) -> (u8, u64, u64) {
    let name = group.consumer(delivery.consumer).name();
    let who = name.first().map_or(0, |first| first - b'a');
    (who, delivery.delivered_at, delivery.deliveries)
}
