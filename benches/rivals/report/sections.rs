//! The report as text, in the order in which it is read: what was to be reached, then every group of
//! loads, then what went wrong and where fanfare is behind. Terminal and file show the same.

use crate::load::Load;
use crate::report::verdict::{self, Behind};
use crate::report::{Earlier, FANFARE, REDIS, Run, words};
use crate::results::Metric;
use crate::slower::{self, Slower};

/// What the columns of ratios to an idle load are.
const BESIDE_IDLE: &str = "Beside the ratio of the servers stands each server's figure to its own while the other \
    connection is idle.";

/// A heading, what is to be said below it, and a table.
pub struct Section {
    pub title: String,
    pub note: String,
    pub table: Option<Table>,
}

/// Rows of text.
pub struct Table {
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// How many columns at the left are words; those after them are figures.
    pub words: usize,
}

/// Every section of a run's report.
pub fn of(run: &Run) -> Vec<Section> {
    let mut sections = vec![targets(run)];
    sections.extend(groups(run));
    sections.extend([failures(run), behind(run), slower(run)]);
    sections
}

fn targets(run: &Run) -> Section {
    let (mut rows, mut reached, mut unknown) = (Vec::new(), 0, 0);
    let servers: Vec<&str> = run.servers.iter().map(|server| &*server.name).collect();
    for load in &run.loads {
        for target in verdict::targets(run, load) {
            let verdict = verdict::reached(run, load, target);
            reached += usize::from(verdict == Some(true));
            unknown += usize::from(verdict.is_none());
            let of = |server| {
                let value = run.results.median(&load.id, server, target.metric);
                value.map_or_else(dash, |value| words::figure(target.metric, value))
            };
            let mut row = vec![load.title.clone(), named(target.metric, load)];
            row.extend(servers.iter().map(|server| of(server)));
            row.extend([
                times(verdict::ratio(run, load, target)),
                words::target(target),
                words::reached(verdict).to_owned(),
            ]);
            rows.push(row);
        }
    }
    let mut note = match rows.len() {
        0 => "None of these loads has a target.".to_owned(),
        all => format!("{reached} of {} reached.", words::count(all, "target")),
    };
    if unknown > 0 {
        note += &format!(" {} could not be judged.", words::count(unknown, "target"));
    }
    let mut head = vec!["load", "figure"];
    head.extend(servers);
    head.extend(["ratio", "target", "reached"]);
    Section {
        title: "Targets".to_owned(),
        note,
        table: table(&head, rows, 2),
    }
}

/// A section for each group, in the order of the loads; a load's further figures stand below it.
fn groups(run: &Run) -> Vec<Section> {
    let mut titles: Vec<&str> = Vec::new();
    for load in &run.loads {
        if !titles.contains(&load.group) {
            titles.push(load.group);
        }
    }
    let section = |title: &str| {
        let loads: Vec<&Load> = run
            .loads
            .iter()
            .filter(|load| load.group == title)
            .collect();
        let columns = run.columns(&loads);
        let compared = columns.contains(&FANFARE) && columns.contains(&REDIS);
        let aimed = loads.iter().any(|load| !load.targets.is_empty());
        let disturbed = loads.iter().any(|load| load.idle.is_some());
        let to_idle: Vec<String> = match disturbed {
            true => columns.iter().map(|name| format!("{name}/idle")).collect(),
            false => Vec::new(),
        };
        let mut head = vec!["load", "figure"];
        head.extend(&columns);
        head.extend(compared.then_some("ratio"));
        head.extend(to_idle.iter().map(String::as_str));
        head.extend(aimed.then_some("target"));
        let mut rows = Vec::new();
        for load in loads {
            let mut name = load.title.clone();
            for metric in metrics(run, load) {
                let mut row = vec![std::mem::take(&mut name), named(metric, load)];
                row.extend(columns.iter().map(|server| cell(run, load, server, metric)));
                row.extend(compared.then(|| ratio(run, load, metric)));
                if disturbed {
                    let each = columns.iter();
                    row.extend(each.map(|server| ratio_to_idle(run, load, server, metric)));
                }
                row.extend(aimed.then(|| target(run, load, metric)));
                rows.push(row);
            }
        }
        Section {
            title: title.to_owned(),
            note: match disturbed {
                true => BESIDE_IDLE.to_owned(),
                false => String::new(),
            },
            table: table(&head, rows, 2),
        }
    };
    titles.into_iter().map(section).collect()
}

fn failures(run: &Run) -> Section {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut cells = 0;
    for load in &run.loads {
        for (server, cell) in run.results.cells.get(&load.id).into_iter().flatten() {
            cells += 1;
            let mut reasons: Vec<(&str, usize)> = Vec::new();
            for failure in &cell.failures {
                match reasons.iter_mut().find(|(reason, _)| reason == failure) {
                    Some((_, count)) => *count += 1,
                    None => reasons.push((failure, 1)),
                }
            }
            for (reason, count) in reasons {
                let rounds = format!("{count} of {}", load.rounds(run.rounds, server));
                let row = [&load.title, server, &rounds, reason];
                rows.push(row.map(str::to_owned).to_vec());
            }
        }
    }
    let note = match rows.len() {
        0 => format!(
            "None: {} of a load and a server, in every round, and each delivery was checked.",
            words::count(cells, "pair")
        ),
        _ => "Every other delivery was checked, and right.".to_owned(),
    };
    Section {
        title: "Failures".to_owned(),
        note,
        table: table(&["load", "server", "rounds", "reason"], rows, 4),
    }
}

fn behind(run: &Run) -> Section {
    let (compared, behind) = verdict::behind(run);
    let row = |Behind {
                   load,
                   metric,
                   in_every_round,
               }: &Behind<'_>| {
        let rounds = match *in_every_round {
            _ if load.rounds(run.rounds, REDIS) == 1 => "the only one",
            true => "every",
            false => "some",
        };
        vec![
            load.title.clone(),
            named(*metric, load),
            cell(run, load, FANFARE, *metric),
            cell(run, load, REDIS, *metric),
            ratio(run, load, *metric),
            rounds.to_owned(),
        ]
    };
    let figures = words::count(compared, "figure");
    let note = match behind.len() {
        0 if compared == 0 => "Nothing was compared.".to_owned(),
        0 => format!(
            "Nowhere: in none of {figures} that both have is fanfare slower, nor does it take more \
             CPU time or memory."
        ),
        worse if run.rounds == 1 => {
            format!("In {worse} of {figures} that both have; of one round, any may be noise.")
        }
        _ => format!(
            "In {} of {figures} that both have. \"every\" means that fanfare's best round is worse \
             than redis-server's worst; \"some\" may be noise, and so may \"the only one\".",
            behind.len()
        ),
    };
    let head = ["load", "figure", FANFARE, REDIS, "ratio", "in rounds"];
    Section {
        title: "Where fanfare is behind redis-server".to_owned(),
        note,
        table: table(&head, behind.iter().map(row).collect(), 2),
    }
}

/// What got slower than the committed results, measured by redis-server.
fn slower(run: &Run) -> Section {
    let (note, rows) = match &run.earlier {
        None => (
            "Not compared: there are no committed results of such a run.".to_owned(),
            vec![],
        ),
        Some(earlier) => {
            let found = slower::compare(&earlier.results, &run.results, FANFARE, REDIS);
            let rows: Vec<_> = found
                .slower
                .iter()
                .filter_map(|slower| fallen(run, slower))
                .collect();
            (compared_with(earlier, found.compared, rows.len()), rows)
        }
    };
    let head = ["load", "figure", "ratio then", "now", "slower", "noise"];
    Section {
        title: "What got slower than the committed results".to_owned(),
        note,
        table: table(&head, rows, 2),
    }
}

fn compared_with(earlier: &Earlier, compared: usize, slower: usize) -> String {
    let figures = words::count(compared, "figure");
    let result = match slower {
        _ if compared == 0 => {
            return "Nothing was compared: the runs have no figure in common.".to_owned();
        }
        0 => format!("NOTHING GOT SLOWER: none of {figures}"),
        slower => format!("GOT SLOWER: {slower} of {figures}"),
    };
    format!(
        "{result}, by its ratio to redis and beyond the noise, since the run of {}. The noise is how \
         many times the best round's ratio is the worst's, in the run where they differ more.",
        earlier.date
    )
}

/// A row, if the load still is what it was.
fn fallen(run: &Run, slower: &Slower) -> Option<Vec<String>> {
    let load = run.loads.iter().find(|load| load.id == slower.load)?;
    let (then, now) = slower.ratios;
    let ratios = [then, now, slower.times, slower.noise].map(words::times);
    let mut row = vec![load.title.clone(), named(slower.metric, load)];
    row.extend(ratios);
    Some(row)
}

/// What any server has a value of. The part of the CPU time
/// in user mode stands beside the whole. A load that failed
/// everywhere still has a row.
fn metrics(run: &Run, load: &Load) -> Vec<Metric> {
    let cells = run.results.cells.get(&load.id).into_iter().flatten();
    let mut metrics: Vec<Metric> = cells
        .flat_map(|(_, cell)| cell.rounds.keys().copied())
        .collect();
    metrics.sort();
    metrics.dedup();
    metrics.retain(|metric| !matches!(metric, Metric::CpuUser | Metric::CpuSystem));
    if metrics.is_empty() && run.results.cells.contains_key(&load.id) {
        metrics.push(Metric::PerSecond);
    }
    metrics
}

fn cell(run: &Run, load: &Load, server: &str, metric: Metric) -> String {
    let Some(cell) = run
        .results
        .cells
        .get(&load.id)
        .and_then(|cells| cells.get(server))
    else {
        return dash();
    };
    let Some(value) = cell.median(metric) else {
        let failed = !cell.failures.is_empty();
        return if failed { "failed".to_owned() } else { dash() };
    };
    let figure = words::figure(metric, value);
    match cell.median(Metric::CpuUser) {
        Some(user) if metric == Metric::Cpu && value > 0.0 => {
            format!("{figure} ({:.0} %)", (user / value * 100.0).min(100.0))
        }
        _ => figure,
    }
}

fn ratio(run: &Run, load: &Load, metric: Metric) -> String {
    let ratio = run.results.ratio(&load.id, metric, FANFARE, REDIS);
    times(ratio)
}

/// What the disturbance costs a server: its figure to its own without it.
fn ratio_to_idle(run: &Run, load: &Load, server: &str, metric: Metric) -> String {
    let ratio = load.idle.as_ref().and_then(|idle| {
        let of = |load: &str| run.results.median(load, server, metric);
        Some(of(&load.id)? / of(idle)?)
    });
    times(ratio)
}

fn times(ratio: Option<f64>) -> String {
    let sensible = ratio.filter(|ratio| ratio.is_finite() && *ratio >= 0.0);
    sensible.map_or_else(dash, words::times)
}

fn target(run: &Run, load: &Load, metric: Metric) -> String {
    let targets = verdict::targets(run, load).filter(|target| target.metric == metric);
    let judged = targets.map(|target| {
        let verdict = words::reached(verdict::reached(run, load, target));
        format!("{} {verdict}", words::target(target))
    });
    judged.collect::<Vec<_>>().join(", ")
}

fn named(metric: Metric, load: &Load) -> String {
    format!(
        "{} {}",
        words::metric(metric, load.unit),
        words::arrow(metric)
    )
}

fn table(head: &[&str], rows: Vec<Vec<String>>, words: usize) -> Option<Table> {
    (!rows.is_empty()).then(|| Table {
        head: head.iter().map(|&name| name.to_owned()).collect(),
        rows,
        words,
    })
}

fn dash() -> String {
    "–".to_owned()
}
