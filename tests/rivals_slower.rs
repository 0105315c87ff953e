//! What the benchmark says to have got slower (`benches/rivals/slower.rs`), by results that are made
//! up. A benchmark without a harness runs no tests, so they are here.

#[path = "../benches/rivals/results.rs"]
#[allow(dead_code, reason = "the benchmark uses all of it")]
mod results;
#[path = "../benches/rivals/slower.rs"]
#[allow(dead_code, reason = "the benchmark uses all of it")]
mod slower;

use results::{Figure, Metric, Results};
use slower::{Comparison, compare};

/// One load's figure, by server and round.
fn results(metric: Metric, ours: &[f64], theirs: &[f64]) -> Results {
    let mut results = Results::default();
    for (server, values) in [("ours", ours), ("theirs", theirs)] {
        for &value in values {
            results.add("load", server, Ok(vec![Figure { metric, value }]));
        }
    }
    results
}

fn rates(ours: &[f64], theirs: &[f64]) -> Results {
    results(Metric::PerSecond, ours, theirs)
}

/// The first run and the second.
fn compared(then: &Results, now: &Results) -> Comparison {
    compare(then, now, "ours", "theirs")
}

#[test]
fn what_is_as_fast_is_not_slower() {
    let run = rates(&[200.0, 210.0, 205.0], &[100.0, 101.0, 99.0]);
    let comparison = compared(&run, &run);
    assert_eq!(comparison.compared, 1);
    assert!(comparison.slower.is_empty(), "{comparison:?}");
}

#[test]
fn a_rate_that_fell_beyond_the_noise_is_told_with_its_ratios() {
    let then = rates(&[200.0, 200.0, 210.0], &[100.0, 100.0, 100.0]);
    let now = rates(&[100.0, 104.0, 100.0], &[100.0, 100.0, 100.0]);
    let [slower] = &compared(&then, &now).slower[..] else {
        panic!("not one");
    };
    assert_eq!((&*slower.load, slower.metric), ("load", Metric::PerSecond));
    assert_eq!(slower.ratios, (2.0, 1.0));
    assert_eq!(slower.times, 2.0);
    assert_eq!(slower.noise, 1.1, "the rounds differ by less than this");
}

#[test]
fn more_cpu_time_is_slower_and_less_is_not() {
    let cheap = results(Metric::Cpu, &[1.0, 1.0], &[2.0, 2.0]);
    let dear = results(Metric::Cpu, &[1.5, 1.5], &[2.0, 2.0]);
    let slower = compared(&cheap, &dear).slower;
    assert_eq!(slower[0].times, 1.5);
    assert_eq!(slower[0].ratios, (0.5, 0.75));
    assert!(compared(&dear, &cheap).slower.is_empty());
}

#[test]
fn the_parts_of_the_cpu_time_are_not_compared() {
    let few = results(Metric::CpuUser, &[1.0], &[1.0]);
    let many = results(Metric::CpuUser, &[9.0], &[1.0]);
    assert_eq!(compared(&few, &many).compared, 0);
}

#[test]
fn a_machine_that_is_slower_for_both_slows_nothing() {
    let then = rates(&[200.0, 200.0], &[100.0, 100.0]);
    let now = rates(&[50.0, 50.0], &[25.0, 25.0]);
    assert!(compared(&then, &now).slower.is_empty());
}

#[test]
fn a_fall_within_the_rounds_of_either_run_is_noise() {
    let steady = rates(&[200.0, 200.0, 200.0], &[100.0, 100.0, 100.0]);
    let wild = rates(&[150.0, 130.0, 190.0], &[100.0, 100.0, 100.0]);
    assert!(compared(&steady, &wild).slower.is_empty());
    let lower = rates(&[110.0, 110.0, 110.0], &[100.0, 100.0, 100.0]);
    assert!(compared(&wild, &lower).slower.is_empty());
    assert_eq!(compared(&steady, &lower).slower.len(), 1);
}

#[test]
fn rounds_that_are_slower_for_both_are_no_noise() {
    let then = rates(&[200.0, 100.0], &[100.0, 50.0]);
    let now = rates(&[150.0, 75.0], &[100.0, 50.0]);
    let slower = compared(&then, &now).slower;
    assert_eq!(slower.len(), 1, "the ratio is the same in each round");
}

#[test]
fn less_than_a_tenth_is_not_told() {
    let then = rates(&[200.0, 200.0], &[100.0, 100.0]);
    let now = rates(&[185.0, 185.0], &[100.0, 100.0]);
    assert!(compared(&then, &now).slower.is_empty());
}

#[test]
fn one_round_takes_a_larger_fall() {
    let then = rates(&[200.0], &[100.0]);
    assert!(
        compared(&then, &rates(&[165.0], &[100.0]))
            .slower
            .is_empty()
    );
    assert_eq!(compared(&then, &rates(&[150.0], &[100.0])).slower.len(), 1);
}

#[test]
fn what_either_run_lacks_is_not_compared() {
    let run = rates(&[200.0], &[100.0]);
    let alone = rates(&[1.0], &[]);
    let nothing = rates(&[1.0], &[0.0]);
    for other in [&alone, &nothing, &Results::default()] {
        assert_eq!(compared(&run, other).compared, 0);
        assert_eq!(compared(other, &run).compared, 0);
    }
}

#[test]
fn a_load_without_figures_has_no_cell() {
    let mut results = Results::default();
    results.add("load", "ours", Ok(Vec::new()));
    assert!(results.cells.is_empty());
}

#[test]
fn results_are_read_as_they_are_written() {
    let mut run = rates(&[200.0, 210.0], &[100.0]);
    run.add("load", "theirs", Err("it failed".to_owned()));
    let text = serde_json::to_string(&run).unwrap();
    let read: Results = serde_json::from_str(&text).unwrap();
    assert_eq!(read.median("load", "ours", Metric::PerSecond), Some(205.0));
    assert_eq!(read.cells["load"]["theirs"].failures, ["it failed"]);
}
