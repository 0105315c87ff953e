//! A sheet of paper in pixels, a logarithmic scale, and the servers' colours.

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::report::{FANFARE, FLOOR, REDIS};

/// What GitHub shows without scaling it.
pub const WIDTH: i32 = 800;

/// For what is read first.
pub const BLACK_INK: RGBColor = RGBColor(31, 35, 40);
/// For what explains it.
pub const GRAY_INK: RGBColor = RGBColor(101, 109, 118);
/// For lines that guide the eye.
pub const FAINT_INK: RGBColor = RGBColor(222, 226, 230);

/// The colours of further rivals, which are told apart without seeing red and green.
const OTHERS: [RGBColor; 4] = [
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
];

/// A server's colour, where `servers` are all of the picture's.
pub fn colour(server: &str, servers: &[&str]) -> RGBColor {
    match server {
        FANFARE => RGBColor(213, 94, 0),
        REDIS => RGBColor(0, 114, 178),
        FLOOR => RGBColor(150, 155, 160),
        _ => {
            let others = servers
                .iter()
                .filter(|name| ![FANFARE, REDIS, FLOOR].contains(*name));
            let place = others.take_while(|name| **name != server).count();
            OTHERS[place % OTHERS.len()]
        }
    }
}

/// Where the text is that a place is given for.
#[derive(Clone, Copy)]
pub enum Side {
    Right,
    Left,
    Centre,
}

/// What is drawn on.
pub struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

impl<'a> Canvas<'a> {
    /// White paper, whose SVG goes to `text`.
    pub fn new(text: &'a mut String, height: i32) -> Result<Canvas<'a>> {
        let size = (WIDTH.unsigned_abs(), height.unsigned_abs());
        let area = SVGBackend::with_string(text, size).into_drawing_area();
        area.fill(&WHITE).map_err(failed)?;
        Ok(Canvas { area })
    }

    /// Text whose vertical middle is at `place`.
    pub fn text(
        &self,
        place: (i32, i32),
        side: Side,
        size: i32,
        ink: RGBColor,
        text: &str,
    ) -> Result<()> {
        self.write(place, side, font(size), ink, text)
    }

    /// The same, in bold.
    pub fn bold(
        &self,
        place: (i32, i32),
        side: Side,
        size: i32,
        ink: RGBColor,
        text: &str,
    ) -> Result<()> {
        self.write(place, side, font(size).style(FontStyle::Bold), ink, text)
    }

    fn write(
        &self,
        place: (i32, i32),
        side: Side,
        font: FontDesc<'_>,
        ink: RGBColor,
        text: &str,
    ) -> Result<()> {
        let horizontal = match side {
            Side::Right => HPos::Left,
            Side::Left => HPos::Right,
            Side::Centre => HPos::Center,
        };
        let style = TextStyle::from(font)
            .color(&ink)
            .pos(Pos::new(horizontal, VPos::Center));
        self.area
            .draw(&Text::new(text.to_owned(), place, style))
            .map_err(failed)
    }

    /// A filled rectangle between two corners.
    pub fn bar(&self, from: (i32, i32), to: (i32, i32), ink: RGBColor) -> Result<()> {
        self.area
            .draw(&Rectangle::new([from, to], ink.filled()))
            .map_err(failed)
    }

    /// A line through points.
    pub fn line(&self, points: &[(i32, i32)], width: u32, ink: RGBColor) -> Result<()> {
        let line = PathElement::new(points.to_vec(), ink.stroke_width(width));
        self.area.draw(&line).map_err(failed)
    }

    /// A dot.
    pub fn dot(&self, place: (i32, i32), ink: RGBColor) -> Result<()> {
        self.area
            .draw(&Circle::new(place, 3, ink.filled()))
            .map_err(failed)
    }

    /// Ends the drawing.
    pub fn finish(self) -> Result<()> {
        self.area.present().map_err(failed)
    }
}

/// A logarithmic axis: values from `low` to `high` lie on pixels from `start` to `end`, which is the
/// smaller one where an axis goes up.
#[derive(Clone, Copy)]
pub struct Scale {
    pub low: f64,
    pub high: f64,
    pub start: i32,
    pub end: i32,
}

impl Scale {
    /// The scale that begins and ends at 1, 2 or 5 times a power of ten and has room for `low` and
    /// `high`.
    pub fn round((low, high): (f64, f64), start: i32, end: i32) -> Scale {
        let below = |value: f64| 10f64.powf(value.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0];
        let reach = |step: &&f64| *step * below(high) >= high * 0.999;
        let last = steps
            .iter()
            .find(reach)
            .map_or(high, |step| step * below(high));
        let within = |step: &&f64| *step * below(low) <= low * 1.001;
        let first = steps
            .iter()
            .rev()
            .find(within)
            .map_or(low, |step| step * below(low));
        Scale {
            low: first,
            high: last,
            start,
            end,
        }
    }

    /// The pixel of a value.
    pub fn at(&self, value: f64) -> i32 {
        let share = (value / self.low).ln() / (self.high / self.low).ln();
        self.start + (share * f64::from(self.end - self.start)).round() as i32
    }

    /// Values to mark: 1, 10, 100 …, and those between that are round too if there are few.
    pub fn marks(&self) -> Vec<f64> {
        let steps: &[f64] = match (self.high / self.low).log10() {
            decades if decades <= 1.2 => &[1.0, 2.0, 5.0],
            decades if decades <= 2.1 => &[1.0, 3.0],
            _ => &[1.0],
        };
        let decades = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
        let marks =
            decades.flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)));
        marks
            .filter(|mark| (self.low * 0.999..=self.high * 1.001).contains(mark))
            .collect()
    }
}

/// A mark's name, short: `0.1`, `10`, `1k`, `100k`.
pub fn mark(value: f64) -> String {
    match value {
        value if value >= 999_999.0 => format!("{}M", (value / 1e6).round()),
        value if value >= 999.0 => format!("{}k", (value / 1e3).round()),
        value if value >= 0.999 => format!("{}", value.round()),
        // As many decimals as its size has, whatever its last binary digits are.
        value => {
            let decimals = (-value.log10()).ceil() as usize;
            format!("{value:.decimals$}")
        }
    }
}

/// Lines of at most `letters`, as long as no word is longer. Backticks are for text that marks code.
pub fn wrapped(title: &str, letters: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in title.replace('`', "").split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= letters {
            *line += " ";
            *line += word;
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// Plotters makes letters smaller than it is told, by this factor.
fn font(pixels: i32) -> FontDesc<'static> {
    ("sans-serif", f64::from(pixels) * 1.24).into_font()
}

/// Plotters' errors borrow what they are about.
fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw: {error}")
}
