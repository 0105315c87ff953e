//! `growth.svg`: small multiples of the server's CPU time for a unit of work against what it grows
//! with, log-log, a line for each server. Panels with the same axis below have the same scales, so
//! that they can be compared at a glance.

use anyhow::Result;

use crate::picture::canvas::{
    BLACK_INK, Canvas, FAINT_INK, GRAY_INK, Scale, Side, WIDTH, colour, mark, wrapped,
};
use crate::report::Run;
use crate::results::Metric;

const COLUMNS: usize = 3;
/// The title and the legend.
const TOP: i32 = 60;
const PANEL: (i32, i32) = (WIDTH / COLUMNS as i32, 230);
/// What a panel leaves free around its plot: the marks' names, its title, its axis' name.
const LEFT: i32 = 50;
const RIGHT: i32 = 16;
const ABOVE: i32 = 70;
const BELOW: i32 = 42;

/// How many letters of a title fit above a plot.
const LETTERS: usize = 30;

/// One curve of every server.
struct Panel<'a> {
    title: &'a str,
    axis: &'a str,
    unit: &'a str,
    /// For each server, size and CPU time, by size.
    lines: Vec<(&'a str, Vec<(f64, f64)>)>,
}

/// The picture, unless no curve has two points.
pub fn growth(run: &Run) -> Result<Option<String>> {
    let sized: Vec<_> = run
        .loads
        .iter()
        .filter(|load| !load.sizes.is_empty())
        .collect();
    let servers = run.columns(&sized);
    let panels = panels(run, &servers);
    if panels.is_empty() {
        return Ok(None);
    }
    let rows = panels.len().div_ceil(COLUMNS) as i32;
    let mut text = String::new();
    let canvas = Canvas::new(&mut text, TOP + rows * PANEL.1 + 8)?;
    let title = "The server's CPU time for a unit of work, in µs";
    canvas.bold((16, 24), Side::Right, 17, BLACK_INK, title)?;
    let mut place = 16;
    for server in &servers {
        let ink = colour(server, &servers);
        canvas.line(&[(place, 50), (place + 20, 50)], 2, ink)?;
        canvas.dot((place + 10, 50), ink)?;
        canvas.text((place + 26, 50), Side::Right, 12, BLACK_INK, server)?;
        place += 48 + 8 * server.len() as i32;
    }
    for (index, panel) in panels.iter().enumerate() {
        let corner = (
            (index % COLUMNS) as i32 * PANEL.0,
            TOP + (index / COLUMNS) as i32 * PANEL.1,
        );
        let alike = panels.iter().filter(|other| other.axis == panel.axis);
        let points: Vec<(f64, f64)> = alike
            .flat_map(|panel| {
                panel
                    .lines
                    .iter()
                    .flat_map(|(_, points)| points.iter().copied())
            })
            .collect();
        draw(&canvas, corner, panel, &points, &servers)?;
    }
    canvas.finish()?;
    Ok(Some(text))
}

/// Every curve that is one, in the order of the loads.
fn panels<'a>(run: &'a Run, servers: &[&'a str]) -> Vec<Panel<'a>> {
    let mut panels: Vec<Panel<'_>> = Vec::new();
    for load in &run.loads {
        for size in &load.sizes {
            let known = panels
                .iter()
                .position(|panel| panel.title == size.curve && panel.axis == size.axis);
            let place = known.unwrap_or_else(|| {
                panels.push(Panel {
                    title: &size.curve,
                    axis: size.axis,
                    unit: load.unit,
                    lines: servers.iter().map(|&server| (server, Vec::new())).collect(),
                });
                panels.len() - 1
            });
            for (server, points) in &mut panels[place].lines {
                let cpu = run.results.median(&load.id, server, Metric::Cpu);
                points.extend(cpu.filter(|cpu| *cpu > 0.0).map(|cpu| (size.at, cpu)));
            }
        }
    }
    for (_, points) in panels.iter_mut().flat_map(|panel| &mut panel.lines) {
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
    }
    panels.retain(|panel| panel.lines.iter().any(|(_, points)| points.len() > 1));
    panels
}

/// A panel whose scales have room for `points`.
fn draw(
    canvas: &Canvas<'_>,
    (left, top): (i32, i32),
    panel: &Panel<'_>,
    points: &[(f64, f64)],
    servers: &[&str],
) -> Result<()> {
    let (start, end) = (left + LEFT, left + PANEL.0 - RIGHT);
    let (lower, upper) = (top + PANEL.1 - BELOW, top + ABOVE);
    let (low, high) = bounds(points.iter().map(|point| point.0));
    let across = Scale {
        low,
        high,
        start: start + 6,
        end: end - 6,
    };
    let up = Scale::round(bounds(points.iter().map(|point| point.1)), lower, upper);

    let unit = format!("µs/{}", panel.unit);
    let mut line = upper - 19;
    canvas.text((left + 16, line), Side::Right, 11, GRAY_INK, &unit)?;
    for part in wrapped(panel.title, LETTERS).iter().rev() {
        line -= 16;
        canvas.bold((left + 16, line), Side::Right, 12, BLACK_INK, part)?;
    }
    for value in up.marks() {
        let height = up.at(value);
        canvas.line(&[(start, height), (end, height)], 1, FAINT_INK)?;
        canvas.text((start - 5, height), Side::Left, 11, GRAY_INK, &mark(value))?;
    }
    for value in across.marks() {
        let place = across.at(value);
        canvas.line(&[(place, upper), (place, lower + 3)], 1, FAINT_INK)?;
        canvas.text(
            (place, lower + 12),
            Side::Centre,
            11,
            GRAY_INK,
            &mark(value),
        )?;
    }
    canvas.line(&[(start, lower), (end, lower)], 1, GRAY_INK)?;
    canvas.text(
        ((start + end) / 2, lower + 27),
        Side::Centre,
        11,
        GRAY_INK,
        panel.axis,
    )?;
    // fanfare's line is drawn last: above the others where they meet.
    for (server, points) in panel.lines.iter().rev() {
        let ink = colour(server, servers);
        let places: Vec<(i32, i32)> = points
            .iter()
            .map(|point| (across.at(point.0), up.at(point.1)))
            .collect();
        if places.len() > 1 {
            canvas.line(&places, 2, ink)?;
        }
        for place in places {
            canvas.dot(place, ink)?;
        }
    }
    Ok(())
}

/// The smallest and the largest value, which are not the same: a scale needs a length.
fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let wider = |(low, high), value: f64| (value.min(low), value.max(high));
    let (low, high) = values.fold((f64::INFINITY, 0.0), wider);
    (low, f64::max(high, low * 2.0))
}
