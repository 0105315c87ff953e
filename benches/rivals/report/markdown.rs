//! `results.md`: the report as GitHub shows it, with the pictures, and with what is needed to repeat
//! the run at its end.

use std::fmt::Write;

use crate::report::sections::{self, Table};
use crate::report::{LEGEND, Run, words};

/// Which pictures there are beside the file.
#[derive(Clone, Copy)]
pub struct Pictures {
    pub ratios: bool,
    pub growth: bool,
}

/// The file's text.
pub fn text(run: &Run, pictures: Pictures) -> String {
    let mut text = format!(
        "# fanfare against its rivals\n\nMedians of {} on {}, {}. {LEGEND} Every round's values are in \
         [results.json](results.json); [the run](#the-run) is described at the end.\n",
        words::count(run.rounds, "round"),
        processor(run),
        run.date,
    );
    let sections = sections::of(run);
    // The picture of growth comes after the groups that it is drawn from: before the last three.
    let last = sections.len() - 3;
    for (index, section) in sections.into_iter().enumerate() {
        if index == last && pictures.growth {
            text += "\n## How costs grow\n\n![CPU time for a unit of work against its size, for each \
                     server](growth.svg)\n";
        }
        text += &format!("\n## {}\n", section.title);
        if !section.note.is_empty() {
            text += &format!("\n{}\n", section.note);
        }
        if let Some(table) = section.table {
            text += &format!("\n{}", drawn(&table));
        }
        if index == 0 && pictures.ratios {
            text += "\n![How many times better than redis-server each server is](ratios.svg)\n";
        }
    }
    text + &the_run(run)
}

/// The machine, and the servers with their versions and commands.
fn the_run(run: &Run) -> String {
    let machine = &run.machine;
    let mut text = format!(
        "\n## The run\n\n- `{}`\n- {}, each closed loop {} s, the servers in turn; a server is started \
         anew for every load, and driven in one round if it takes long to prepare or no target names the server\n- {}, {:.1} GiB, Linux {}; the load generator and the server share it\n\
         - {}, commit {}\n\n",
        run.command,
        words::count(run.rounds, "round"),
        run.seconds,
        processor(run),
        machine.memory as f64 / f64::from(1 << 30),
        machine.kernel,
        machine.rustc,
        machine.commit,
    );
    let servers = run.servers.iter().map(|server| {
        vec![
            server.name.clone(),
            format!("`{}`", server.command),
            server.version.clone(),
        ]
    });
    text += &drawn(&Table {
        head: ["server", "command", "version"].map(str::to_owned).to_vec(),
        rows: servers.collect(),
        words: 3,
    });
    text
}

fn processor(run: &Run) -> String {
    format!(
        "{} of {}",
        words::count(run.machine.cores, "core"),
        run.machine.cpu
    )
}

fn drawn(table: &Table) -> String {
    let mut text = String::new();
    let mut line = |cells: Vec<String>| {
        writeln!(text, "| {} |", cells.join(" | ")).expect("a string takes everything");
    };
    let rule = |column| if column < table.words { "---" } else { "---:" };
    line(table.head.clone());
    line(
        (0..table.head.len())
            .map(|column| rule(column).to_owned())
            .collect(),
    );
    for row in &table.rows {
        line(row.iter().map(|cell| escaped(cell)).collect());
    }
    text
}

/// Text that shows as it is. What is in backticks already does, except for a bar, which would end
/// the cell even there.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    let mut code = false;
    for character in text.chars() {
        match character {
            '`' => code = !code,
            '|' => escaped.push('\\'),
            '*' | '_' | '<' | '[' | '\\' | '~' if !code => escaped.push('\\'),
            _ => (),
        }
        escaped.push(if character == '\n' { ' ' } else { character });
    }
    escaped
}
