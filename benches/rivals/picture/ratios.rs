//! `ratios.svg`: for each target, how many times better than redis-server each other server is. Bars
//! lie on a logarithmic axis: they begin at 1, where redis-server is, and go to the right if a server
//! is better and to the left if it is worse. A small mark is the target.

use anyhow::Result;

use crate::load::{Bound, Load, Target};
use crate::picture::canvas::{
    BLACK_INK, Canvas, FAINT_INK, GRAY_INK, Scale, Side, WIDTH, colour, mark, wrapped,
};
use crate::report::{FANFARE, FLOOR, REDIS, Run, verdict, words};

/// Where the bars' axis begins and ends; the names are at its left, the last number at its right.
const LEFT: i32 = 326;
const RIGHT: i32 = WIDTH - NUMBER;
/// What the longest number takes.
const NUMBER: i32 = 70;
/// The title, the legend and the axis' marks.
const TOP: i32 = 104;
const BOTTOM: i32 = 20;
const BAR: i32 = 15;
const GAP: i32 = 14;
const LINE: i32 = 17;
/// How many letters of a row's name fit beside the axis.
const LETTERS: usize = 40;

/// A target's row.
struct Row {
    title: Vec<String>,
    figures: String,
    bars: Vec<(String, f64)>,
    target: Option<f64>,
}

/// The picture, unless there is nothing to compare.
pub fn ratios(run: &Run) -> Result<Option<String>> {
    let aimed: Vec<&Load> = run
        .loads
        .iter()
        .filter(|load| !load.targets.is_empty())
        .collect();
    let mut servers = run.columns(&aimed);
    servers.retain(|server| ![REDIS, FLOOR].contains(server));
    let targets = aimed
        .iter()
        .flat_map(|load| load.targets.iter().map(move |target| (load, target)))
        // The others have bars of their own.
        .filter(|(_, target)| target.of.is_none_or(|of| of == REDIS));
    let rows: Vec<Row> = targets
        .map(|(load, target)| row(run, load, target, &servers))
        .filter(|row| !row.bars.is_empty())
        .collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let mut text = String::new();
    draw(
        &rows,
        &servers,
        Canvas::new(&mut text, TOP + height(&rows) + BOTTOM)?,
    )?;
    Ok(Some(text))
}

fn row(run: &Run, load: &Load, target: &Target, servers: &[&str]) -> Row {
    let metric = target.metric;
    let median = |server| run.results.median(&load.id, server, metric);
    let written = |server| median(server).map(|value| words::figure(metric, value));
    let bar = |server: &&str| {
        let advantage = verdict::advantage(run, load, metric, server)?;
        Some(((*server).to_owned(), advantage))
    };
    let figures = match (written(FANFARE), written(REDIS)) {
        (Some(ours), Some(theirs)) => format!(": {ours} to {theirs}"),
        _ => String::new(),
    };
    Row {
        title: wrapped(&load.title, LETTERS),
        figures: words::metric(metric, load.unit) + &figures,
        bars: servers.iter().filter_map(bar).collect(),
        target: match target.bound {
            Bound::AtLeastTimes(times) => Some(times),
            Bound::AtMostTimes(times) => Some(1.0 / times),
            Bound::AtMost(most) => median(REDIS).map(|theirs| theirs / most),
        },
    }
}

fn draw(rows: &[Row], servers: &[&str], canvas: Canvas<'_>) -> Result<()> {
    let values = || {
        rows.iter()
            .flat_map(|row| row.bars.iter().map(|bar| bar.1).chain(row.target))
    };
    let low = values().fold(1.0, f64::min);
    // Bars that go to the left have their numbers there.
    let start = if low < 1.0 { LEFT + NUMBER } else { LEFT };
    let axis = Scale {
        low,
        high: values().fold(2.0, f64::max),
        start,
        end: RIGHT,
    };
    let bottom = TOP + height(rows);
    canvas.bold(
        (16, 24),
        Side::Right,
        17,
        BLACK_INK,
        "How many times better than redis-server",
    )?;
    let meaning = "Times as many a second; for CPU time, latency and memory, times as little. \
                   Figures: fanfare to redis.";
    canvas.text((16, 46), Side::Right, 12, GRAY_INK, meaning)?;
    let mut place = 16;
    for server in servers {
        canvas.bar((place, 62), (place + 12, 74), colour(server, servers))?;
        canvas.text((place + 18, 68), Side::Right, 12, BLACK_INK, server)?;
        place += 40 + 8 * server.len() as i32;
    }
    canvas.bar((place, 61), (place + 3, 75), BLACK_INK)?;
    canvas.text((place + 10, 68), Side::Right, 12, BLACK_INK, "target")?;

    for value in axis.marks() {
        let across = axis.at(value);
        canvas.line(&[(across, TOP - 6), (across, bottom)], 1, FAINT_INK)?;
        let name = if value == 1.0 {
            "redis = 1".to_owned()
        } else {
            mark(value) + "×"
        };
        canvas.text((across, TOP - 14), Side::Centre, 11, GRAY_INK, &name)?;
    }
    let mut top = TOP;
    for row in rows {
        let middle = top + row.height() / 2;
        let mut line = middle - LINE * row.title.len() as i32 / 2;
        for part in &row.title {
            canvas.text((16, line), Side::Right, 13, BLACK_INK, part)?;
            line += LINE;
        }
        canvas.text((16, line), Side::Right, 12, GRAY_INK, &row.figures)?;
        let mut upper = middle - BAR * row.bars.len() as i32 / 2;
        let (from, to) = (upper - 3, upper + BAR * row.bars.len() as i32 + 1);
        for (server, value) in &row.bars {
            bar(
                &canvas,
                &axis,
                upper,
                *value,
                colour(server, servers),
                row.target,
            )?;
            upper += BAR;
        }
        if let Some(target) = row.target {
            let across = axis.at(target);
            canvas.bar((across - 1, from), (across + 1, to), BLACK_INK)?;
        }
        top += row.height();
    }
    let one = axis.at(1.0);
    canvas.line(&[(one, TOP - 6), (one, bottom)], 1, BLACK_INK)?;
    canvas.finish()
}

/// A bar from 1 to its value, and its number beyond its end, and beyond the target's mark if that
/// would go through the number.
fn bar(
    canvas: &Canvas<'_>,
    axis: &Scale,
    upper: i32,
    value: f64,
    ink: plotters::style::RGBColor,
    target: Option<f64>,
) -> Result<()> {
    let (one, end) = (axis.at(1.0), axis.at(value));
    canvas.bar((one.min(end), upper), (one.max(end), upper + BAR - 2), ink)?;
    let number = words::times(value);
    let width = 8 * number.chars().count() as i32 + 14;
    let mark = target.map(|target| axis.at(target));
    let middle = upper + BAR / 2 - 1;
    if end >= one {
        let inside = mark.filter(|mark| (end - 4..end + width).contains(mark));
        let place = inside.map_or(end, |mark| mark.max(end)) + 6;
        return canvas.bold((place, middle), Side::Right, 12, BLACK_INK, &number);
    }
    canvas.bold((end - 5, middle), Side::Left, 12, BLACK_INK, &number)
}

impl Row {
    fn height(&self) -> i32 {
        let words = LINE * (self.title.len() as i32 + 1);
        words.max(BAR * self.bars.len() as i32) + GAP
    }
}

fn height(rows: &[Row]) -> i32 {
    rows.iter().map(Row::height).sum()
}
