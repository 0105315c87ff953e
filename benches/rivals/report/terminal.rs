//! The report on a terminal of 140 columns.

use std::fmt::Write;

use comfy_table::{CellAlignment, ContentArrangement, ContentLineStyle, LineStyle, TableStyle};

use crate::report::sections::{self, Table};
use crate::report::{LEGEND, Run};

const WIDTH: u16 = 140;
/// A line below the head, and nothing else but air.
const STYLE: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::new(' ', ' ', ' '))
    .header_separator(LineStyle::new('─', '─', '─', '─'))
    .content_lines(ContentLineStyle::new(' ', ' ', ' '));

/// Every section, one below the other.
pub fn text(run: &Run) -> String {
    let mut text = format!("{LEGEND}\n");
    for section in sections::of(run) {
        write!(text, "\n{}\n", section.title).expect("a string takes everything");
        if !section.note.is_empty() {
            text.push_str(&section.note);
            text.push('\n');
        }
        if let Some(table) = section.table {
            text.push_str(&drawn(&table));
            text.push('\n');
        }
    }
    text
}

fn drawn(table: &Table) -> String {
    let mut drawn = comfy_table::Table::new();
    drawn
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(&table.head)
        .add_rows(&table.rows);
    for column in drawn.column_iter_mut().skip(table.words) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    drawn.trim_fmt()
}
