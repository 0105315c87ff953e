//! Compares the log and the groups with simple models, through long random histories.

mod cases;
mod group_model;
mod log_model;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use group_model::GroupModel;
use log_model::LogModel;

impl Stream {
    /// Panics if an invariant of any file is broken.
    fn invariants(&self) {
        self.log.invariants();
        self.groups.invariants();
    }
}

/// How an id differs from the one before.
fn gap() -> impl Strategy<Value = (u64, u64)> {
    prop_oneof![
        6 => Just((0, 1)),
        3 => (1_u64..3000, Just(0_u64)),
        2 => (0_u64..3, 1_u64..200),
        1 => (any::<u32>().prop_map(u64::from), any::<u64>().prop_map(|seq| seq >> 1)),
    ]
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[a-z]{0,12}".prop_map(String::into_bytes),
        4 => any::<i16>().prop_map(|integer| integer.to_string().into_bytes()),
        2 => any::<i64>().prop_map(|integer| integer.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..700),
    ]
}

/// Texts of an entry. Most have the same names.
fn texts() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop_oneof![
        6 => (text(), text()).prop_map(|(one, two)| {
            vec![b"user".to_vec(), one, b"7000".to_vec(), two]
        }),
        1 => (text(), text()).prop_map(|(one, two)| vec![one, two]),
        1 => prop::collection::vec(text(), 1..4).prop_map(|texts| {
            texts.iter().chain(&texts).cloned().collect()
        }),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    let bytes = prop_oneof![3 => Just(4096_usize), 1 => Just(0), 1 => Just(60), 1 => 1_usize..2000];
    let entries = prop_oneof![3 => Just(100_usize), 1 => Just(0), 2 => 1_usize..12];
    (bytes, entries).prop_map(|(bytes, entries)| Limits { bytes, entries })
}

#[derive(Clone, Debug)]
enum LogStep {
    Append((u64, u64), Vec<Vec<u8>>),
    AppendMany(u8, Vec<Vec<u8>>),
    Delete(Index),
    DeleteMany(Index, u8),
    DeleteUnknown(u64, u64),
    TrimToLength(Index, Option<u64>),
    TrimToId(Index, bool, Option<u64>),
    SetLimits(Limits),
}

fn approximate() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![Just(None), Just(Some(0)), (1_u64..300).prop_map(Some)]
}

fn log_step() -> impl Strategy<Value = LogStep> {
    prop_oneof![
        20 => (gap(), texts()).prop_map(|(gap, texts)| LogStep::Append(gap, texts)),
        6 => (any::<u8>(), texts()).prop_map(|(count, texts)| LogStep::AppendMany(count, texts)),
        10 => any::<Index>().prop_map(LogStep::Delete),
        2 => (any::<Index>(), any::<u8>())
            .prop_map(|(at, count)| LogStep::DeleteMany(at, count)),
        1 => (any::<u64>(), 0_u64..9).prop_map(|(ms, seq)| LogStep::DeleteUnknown(ms, seq)),
        2 => (any::<Index>(), approximate()).prop_map(|(to, how)| LogStep::TrimToLength(to, how)),
        2 => (any::<Index>(), any::<bool>(), approximate())
            .prop_map(|(at, after, how)| LogStep::TrimToId(at, after, how)),
        1 => limits().prop_map(LogStep::SetLimits),
    ]
}

fn run_log_step(step: LogStep, log: &mut Log, model: &mut LogModel) {
    match step {
        LogStep::Append((ms, seq), texts) => model.append(log, (ms, seq), &texts),
        LogStep::AppendMany(count, texts) => {
            for _ in 0..count {
                model.append(log, (0, 1), &texts);
            }
        }
        LogStep::Delete(at) => {
            if let Some(id) = model.some_id(&at) {
                model.delete(log, id);
                model.delete(log, id);
            }
        }
        LogStep::DeleteMany(at, count) => {
            if let Some(from) = model.some_id(&at) {
                for id in model.ids_from(from, count.into()) {
                    model.delete(log, id);
                }
            }
        }
        LogStep::DeleteUnknown(ms, seq) => model.delete(log, StreamId::new(ms, seq)),
        LogStep::TrimToLength(to, approximate) => {
            let to = TrimTo::Length(to.index(model.len() + 2) as u64);
            model.trim(log, Trim { to, approximate });
        }
        LogStep::TrimToId(at, after, approximate) => {
            let id = model.some_id(&at).unwrap_or(StreamId::MIN);
            let id = if after { id.next() } else { Some(id) };
            let to = TrimTo::MinId(id.unwrap_or(StreamId::MAX));
            model.trim(log, Trim { to, approximate });
        }
        LogStep::SetLimits(limits) => model.limits = limits,
    }
}

#[derive(Clone, Debug)]
enum GroupStep {
    Create(u8),
    Delete(u8),
    /// New entries for a consumer.
    Deliver(u8, u8),
    Claim(u8, Index, u8),
    /// Makes something pending whether it is or not.
    Force(u8, u16),
    Redeliver(Index),
    Ack(Index, u8),
    AckUnknown(u16),
    /// Acknowledges every n-th pending entry.
    AckSparsely(u8),
}

fn group_step() -> impl Strategy<Value = GroupStep> {
    prop_oneof![
        3 => (0_u8..6).prop_map(GroupStep::Create),
        1 => (0_u8..6).prop_map(GroupStep::Delete),
        12 => (0_u8..6, any::<u8>()).prop_map(|(who, count)| GroupStep::Deliver(who, count)),
        6 => (0_u8..6, any::<Index>(), 1_u8..40)
            .prop_map(|(who, at, count)| GroupStep::Claim(who, at, count)),
        2 => (0_u8..6, any::<u16>()).prop_map(|(who, id)| GroupStep::Force(who, id)),
        3 => any::<Index>().prop_map(GroupStep::Redeliver),
        12 => (any::<Index>(), any::<u8>()).prop_map(|(at, count)| GroupStep::Ack(at, count)),
        1 => any::<u16>().prop_map(GroupStep::AckUnknown),
        1 => (2_u8..80).prop_map(GroupStep::AckSparsely),
    ]
}

fn run_group_step(step: GroupStep, group: &mut Group, model: &mut GroupModel) {
    match step {
        GroupStep::Create(who) => model.create(group, who),
        GroupStep::Delete(who) => model.delete(group, who),
        GroupStep::Deliver(who, count) => {
            for _ in 0..count {
                let id = model.next_id();
                model.deliver(group, who, id);
            }
        }
        GroupStep::Claim(who, at, count) => {
            for id in model.some_ids(&at, count.into()) {
                model.deliver(group, who, id);
            }
        }
        GroupStep::Force(who, id) => model.deliver(group, who, StreamId::new(id.into(), 5)),
        GroupStep::Redeliver(at) => {
            for id in model.some_ids(&at, 3) {
                model.redeliver(group, id);
            }
        }
        GroupStep::Ack(at, count) => {
            for id in model.some_ids(&at, count.into()) {
                model.ack(group, id);
            }
        }
        GroupStep::AckUnknown(id) => model.ack(group, StreamId::new(id.into(), 6)),
        GroupStep::AckSparsely(step) => {
            for id in model.all_ids().into_iter().step_by(step.into()) {
                model.ack(group, id);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn logs(
        steps in prop::collection::vec(log_step(), 1..120),
        limits in limits(),
        bounds in prop::collection::vec((any::<Index>(), any::<Index>(), 0_u8..3, 0_u8..3), 1..10),
    ) {
        let mut log = Log::default();
        let mut model = LogModel::new(limits);
        for step in steps {
            run_log_step(step, &mut log, &mut model);
            log.invariants();
            model.compare_cheaply(&log);
        }
        model.compare(&log);
        for (from, to, before, after) in bounds {
            model.compare_range(&log, (&from, before), (&to, after));
        }
        let copy = log.clone();
        copy.invariants();
        model.compare(&copy);
    }

    #[test]
    fn groups(steps in prop::collection::vec(group_step(), 1..120)) {
        let mut groups = Groups::default();
        assert!(groups.create(b"group", Group::new(StreamId::MIN, Some(0))));
        let mut model = GroupModel::default();
        for step in steps {
            groups.change(b"group", |group| run_group_step(step, group, &mut model));
            groups.invariants();
            model.compare(groups.get(b"group").unwrap());
        }
        let copy = groups.clone();
        copy.invariants();
        model.compare(copy.get(b"group").unwrap());
        let group = groups.remove(b"group").unwrap();
        model.compare(&group);
        assert_eq!((groups.memory(), groups.free_cost()), (0, 0));
    }

    /// The log and a group through one history: what is pending does not depend on the log.
    #[test]
    fn streams(
        steps in prop::collection::vec(prop_oneof![
            log_step().prop_map(Ok),
            group_step().prop_map(Err),
        ], 1..100),
        limits in limits(),
    ) {
        let mut stream = Stream::default();
        let mut model = LogModel::new(limits);
        let mut group_model = GroupModel::default();
        stream.groups.create(b"g", Group::new(StreamId::MIN, Some(0)));
        for step in steps {
            let Stream { log, groups } = &mut stream;
            match step {
                Ok(step) => run_log_step(step, log, &mut model),
                Err(GroupStep::Deliver(who, count)) => {
                    groups.change(b"g", |group| {
                        let Some(from) = group.last_delivered.next() else { return };
                        for entry in log.range(from, StreamId::MAX).take(count.into()) {
                            group_model.deliver(group, who, entry.id);
                            group.advance(entry.id, log);
                        }
                    });
                }
                Err(step) => {
                    groups.change(b"g", |group| run_group_step(step, group, &mut group_model));
                }
            }
            stream.invariants();
            group_model.compare(stream.groups.get(b"g").unwrap());
        }
        model.compare(&stream.log);
        let copy = stream.clone();
        copy.invariants();
    }
}
