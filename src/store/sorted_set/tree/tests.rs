//! Compares the tree with a vector. The nodes are small, so that the tree is deep.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

fn slots<const CAP: usize>(tree: &Tree<CAP>) -> Vec<SlotId> {
    tree.invariants().iter().map(|entry| entry.slot).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Insert(Index),
    /// This many entries at the same moving index.
    Run(Index, u8),
    Remove(Index),
    RemoveRange(Index, Index),
    SetScore(Index),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any::<Index>().prop_map(Step::Insert),
        2 => (any::<Index>(), any::<u8>()).prop_map(|(at, len)| Step::Run(at, len)),
        6 => any::<Index>().prop_map(Step::Remove),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Step::RemoveRange(a, b)),
        1 => any::<Index>().prop_map(Step::SetScore),
    ]
}

fn history<const CAP: usize>(steps: Vec<Step>) {
    let (mut tree, mut model) = (Tree::<CAP>::default(), Vec::new());
    let mut next: SlotId = 0;
    for step in steps {
        let len = model.len();
        match step {
            Step::Insert(at) => {
                let at = at.index(len + 1);
                tree.insert(
                    at,
                    ScoredSlot {
                        score: 0.0,
                        slot: next,
                    },
                );
                model.insert(at, (0.0, next));
                next += 1;
            }
            Step::Run(at, run) => {
                let at = at.index(len + 1);
                for place in at..at + usize::from(run) {
                    tree.insert(
                        place,
                        ScoredSlot {
                            score: 1.0,
                            slot: next,
                        },
                    );
                    model.insert(place, (1.0, next));
                    next += 1;
                }
            }
            Step::Remove(at) if len > 0 => {
                let at = at.index(len);
                let mut gone = Vec::new();
                tree.remove(at..at + 1, |slot| gone.push(slot));
                assert_eq!(gone, [model.remove(at).1]);
            }
            Step::RemoveRange(a, b) => {
                let (a, b) = (a.index(len + 1), b.index(len + 1));
                let ranks = a.min(b)..a.max(b);
                let mut gone = Vec::new();
                tree.remove(ranks.clone(), |slot| gone.push(slot));
                let expected: Vec<_> = model.drain(ranks).map(|(_, slot)| slot).collect();
                assert_eq!(gone, expected);
            }
            Step::SetScore(at) if len > 0 => {
                let at = at.index(len);
                tree.set_score(at, 2.0);
                model[at].0 = 2.0;
            }
            _ => {}
        }
        let entries = tree.invariants();
        assert!(
            entries
                .iter()
                .map(|entry| (entry.score, entry.slot))
                .eq(model.iter().copied())
        );
    }
    for (rank, &(score, slot)) in model.iter().enumerate() {
        let (leaf, at) = tree.leaf_at(rank);
        assert_eq!((leaf.entry(at).score, leaf.entry(at).slot), (score, slot));
    }
}

proptest! {
    #[test]
    fn small_nodes(steps in prop::collection::vec(step(), 1..150)) {
        history::<4>(steps);
    }

    #[test]
    fn nodes_of_seven(steps in prop::collection::vec(step(), 1..150)) {
        history::<7>(steps);
    }

    #[test]
    fn bounds_are_found(scores in prop::collection::vec(0_u8..50, 0..600)) {
        let mut scores: Vec<_> = scores.into_iter().map(f64::from).collect();
        scores.sort_by(f64::total_cmp);
        let mut tree = Tree::<5>::default();
        // Every other one first, so that entries are not only appended.
        for (at, &score) in scores.iter().step_by(2).enumerate() {
            tree.insert(at, ScoredSlot { score, slot: 0 });
        }
        for (at, &score) in scores.iter().enumerate().skip(1).step_by(2) {
            tree.insert(at, ScoredSlot { score, slot: 0 });
        }
        for bound in -1..=50 {
            let bound = f64::from(bound);
            let expected = scores.partition_point(|&score| score < bound);
            prop_assert_eq!(tree.partition(bound, |_| false), expected);
            let expected = scores.partition_point(|&score| score <= bound);
            prop_assert_eq!(tree.partition(bound, |_| true), expected);
        }
    }
}

#[test]
fn growing_and_falling_scores_leave_full_leaves() {
    let mut up = Tree::<8>::default();
    let mut down = Tree::<8>::default();
    for slot in 0..10_000 {
        up.insert(slot as usize, ScoredSlot { score: 0.0, slot });
        down.insert(0, ScoredSlot { score: 0.0, slot });
    }
    assert!(up.fill() > 0.99 && down.fill() > 0.99);
    assert!(slots(&up).into_iter().eq(0..10_000));
    assert!(slots(&down).into_iter().eq((0..10_000).rev()));
}

#[test]
fn depth_and_fill_stay_good_when_entries_come_and_go() {
    let mut tree = Tree::<16>::default();
    let mut random = 1_u64;
    let mut below = |limit: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) as usize % limit
    };
    for slot in 0..20_000 {
        tree.insert(below(tree.len() + 1), ScoredSlot { score: 0.0, slot });
    }
    assert!(tree.fill() > 0.6, "{}", tree.fill());
    for slot in 0..100_000 {
        let at = below(tree.len());
        tree.remove(at..at + 1, |_| {});
        tree.insert(below(tree.len() + 1), ScoredSlot { score: 0.0, slot });
    }
    assert!(tree.fill() > 0.5, "{}", tree.fill());
    assert!(tree.depth() <= 5, "{}", tree.depth());
    while tree.len() > 100 {
        let at = below(tree.len());
        tree.remove(at..at + 1, |_| {});
    }
    tree.invariants();
    assert!(tree.fill() > 0.4 && tree.depth() <= 3);
}
