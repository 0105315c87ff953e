//! Compares sets with a simple model, through long random histories.

mod cases;
mod model;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use model::Model;

impl SortedSet {
    /// Panics if an invariant of any file is broken.
    fn invariants(&self) {
        match &self.form {
            Form::Packed(packed) => packed.invariants(),
            Form::Large(large) => large.invariants(),
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u16, f64),
    /// Adds many members: with increasing scores, or all with the same.
    InsertMany(u16, u8, bool),
    Remove(Index),
    RemoveUnknown(u16),
    Update(Index, f64),
    RemoveRanks(Index, Index),
    Pop(u8, bool),
}

/// Scores. Many are equal, and some are special.
fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (-5_i32..5).prop_map(f64::from),
        3 => any::<f64>().prop_filter("a number", |score| !score.is_nan()),
        2 => any::<i32>().prop_map(f64::from),
        1 => prop::sample::select(vec![-0.0, 0.0, f64::INFINITY, f64::NEG_INFINITY]),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (any::<u16>(), score()).prop_map(|(name, score)| Step::Insert(name, score)),
        2 => (any::<u16>(), any::<u8>(), any::<bool>())
            .prop_map(|(name, count, grow)| Step::InsertMany(name, count, grow)),
        8 => any::<Index>().prop_map(Step::Remove),
        1 => any::<u16>().prop_map(Step::RemoveUnknown),
        6 => (any::<Index>(), score()).prop_map(|(at, score)| Step::Update(at, score)),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Step::RemoveRanks(a, b)),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(count, max)| Step::Pop(count, max)),
    ]
}

/// A member: some are empty, some short, some too long to be stored in place, some too long for a
/// listpack.
fn name(number: u16) -> Vec<u8> {
    let text = number.to_string().into_bytes();
    match number % 11 {
        0 => text.repeat(5),
        1 => text.repeat(22)[..22].to_vec(),
        2 if number == 2 => Vec::new(),
        _ => text,
    }
}

fn limits() -> impl Strategy<Value = Limits> {
    let entries = prop_oneof![Just(0_usize), Just(5), Just(40), Just(128), Just(100_000)];
    let value = prop_oneof![3 => Just(64_usize), 1 => Just(3)];
    (entries, value).prop_map(|(entries, value)| Limits { entries, value })
}

fn run_step(step: Step, set: &mut SortedSet, model: &mut Model, limits: Limits) {
    match step {
        Step::Insert(number, score) => model.insert(set, &name(number), score, limits),
        Step::InsertMany(number, count, grow) => {
            for more in 0..u16::from(count) {
                let score = if grow { f64::from(more) } else { 1.0 };
                model.insert(set, &name(number.wrapping_add(more)), score, limits);
            }
        }
        Step::Remove(at) => {
            if let Some(member) = model.some_member(&at) {
                model.remove(set, &member);
            }
        }
        Step::RemoveUnknown(number) => model.remove(set, &name(number)),
        Step::Update(at, score) => {
            if let Some(member) = model.some_member(&at) {
                model.insert(set, &member, score, limits);
            }
        }
        Step::RemoveRanks(a, b) => {
            let (a, b) = (a.index(model.len() + 2), b.index(model.len() + 2));
            model.remove_ranks(set, a.min(b)..a.max(b));
        }
        Step::Pop(count, max) => {
            for _ in 0..count % 16 {
                model.pop(set, max);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn histories(
        steps in prop::collection::vec(step(), 1..250),
        limits in limits(),
        bounds in prop::collection::vec((score(), score()), 1..10),
    ) {
        let mut set = SortedSet::new(1, 0, limits);
        let mut model = Model::new(&set);
        for step in steps {
            run_step(step, &mut set, &mut model, limits);
            set.invariants();
            model.compare_cheaply(&set);
        }
        model.compare(&set);
        for (min, max) in bounds {
            model.compare_scores(&set, min, max);
        }
        let copy = set.clone();
        copy.invariants();
        model.compare(&copy);
    }

    #[test]
    fn names_in_order(
        numbers in prop::collection::vec(any::<u16>(), 0..400),
        bounds in prop::collection::vec((any::<u16>(), any::<u16>()), 1..10),
        limits in limits(),
    ) {
        let mut set = SortedSet::new(1, 0, limits);
        let mut model = Model::new(&set);
        for number in numbers {
            model.insert(&mut set, &name(number), 7.0, limits);
        }
        for (min, max) in bounds {
            model.compare_names(&set, &name(min), &name(max));
        }
    }

    #[test]
    fn what_stays_is_scanned_once(
        numbers in prop::collection::vec(any::<u16>(), 0..1500),
        steps in prop::collection::vec(step(), 1..60),
        count in 1_usize..60,
    ) {
        let limits = Limits { entries: 0, value: 64 };
        let mut set = SortedSet::new(1, 0, limits);
        let mut model = Model::new(&set);
        for number in numbers {
            model.insert(&mut set, &name(number), f64::from(number % 50), limits);
        }
        model.begin_scan();
        let mut shown = Vec::new();
        let mut steps = steps.into_iter();
        let mut cursor = 0;
        loop {
            cursor = set.scan(cursor, count, |member, score| {
                assert_eq!(model.score(member), Some(score));
                shown.push(member.to_vec());
            });
            if cursor == 0 {
                break;
            }
            if let Some(step) = steps.next() {
                run_step(step, &mut set, &mut model, limits);
            }
        }
        for member in model.stayed() {
            let times = shown.iter().filter(|other| *other == member).count();
            prop_assert_eq!(times, 1, "{:?}", member);
        }
    }

    #[test]
    fn sets_are_built_as_a_whole(
        pairs in prop::collection::vec((any::<u16>(), -20_i32..20), 0..600),
        limits in limits(),
    ) {
        let mut builder = Builder::default();
        let mut sums = std::collections::HashMap::new();
        for &(number, score) in &pairs {
            builder.add(&name(number % 300), f64::from(score), |a, b| a + b);
            *sums.entry(name(number % 300)).or_insert(0.0) += f64::from(score);
        }
        let mut expected: Vec<_> = sums.iter().map(|(name, &score)| (&name[..], score)).collect();
        expected.sort_by(|one, other| one.1.total_cmp(&other.1).then(one.0.cmp(other.0)));
        prop_assert_eq!(builder.sorted().collect::<Vec<_>>(), expected);
        let is_small = sums.len() <= limits.entries
            && sums.keys().all(|member| member.len() <= limits.value);
        let set = builder.finish(limits);
        set.invariants();
        prop_assert_eq!(set.encoding(), if is_small { "listpack" } else { "skiplist" });
        prop_assert_eq!(set.len(), sums.len());
        for (member, score) in set.iter() {
            prop_assert_eq!(sums.get(member), Some(&score));
        }
    }
}
