//! The columns of the page's tables, and what stands above a table without rows.
//!
//! Layer `http`.
//!
//! `assets/tables.js` has the same columns. Rates need two answers, so only the script has them.

use serde_json::Value;

use super::text::{bytes, count, escape, microseconds, name, or_dash, seconds};

/// One table.
pub(super) struct Table {
    /// Its name in the template.
    pub name: &'static str,
    /// What a refused caller may not see.
    pub what: &'static str,
    /// Where the rows are in the answer.
    rows: &'static str,
    /// What is said if there are none.
    none: &'static str,
    columns: &'static [Column],
}

struct Column {
    class: &'static str,
    cell: fn(&Value) -> String,
}

const fn column(class: &'static str, cell: fn(&Value) -> String) -> Column {
    Column { class, cell }
}

pub(super) static CHANNELS: Table = Table {
    name: "channels",
    what: "the channels",
    rows: "channels",
    none: "Nothing was published in this time.",
    columns: &[
        column("name", |row| name(&row["channel"])),
        column("n", |row| count(&row["messages"])),
        column("n", per_second),
        column("n", |row| bytes(&row["bytes"])),
        column("n", |row| count(&row["receivers"])),
    ],
};

pub(super) static QUEUES: Table = Table {
    name: "queues",
    what: "the queues",
    rows: "queues",
    none: "No list has elements, and nobody waits for one.",
    columns: &[
        column("name", |row| name(&row["key"])),
        column("n minor", |row| count(&row["db"])),
        column("n", |row| count(&row["length"])),
        column("n", |row| count(&row["pushed"])),
        column("n", |row| count(&row["popped"])),
        column("n", |row| count(&row["waiting_clients"])),
        column("n", |row| or_dash(&row["oldest_seconds"], seconds)),
    ],
};

pub(super) static CLIENTS: Table = Table {
    name: "clients",
    what: "the clients",
    rows: "clients",
    none: "None.",
    columns: &[
        column("name", client),
        column("mono", |row| name(&row["addr"])),
        column("minor", |row| name(&row["user"])),
        column("n", |row| bytes(&row["waiting_bytes"])),
        column("n", |row| count(&row["dropped"])),
        column("n", channels_of_client),
        column("n", |row| count(&row["patterns"])),
        column("n", |row| seconds(&row["age_seconds"])),
        column("n", |row| seconds(&row["idle_seconds"])),
        column("mono", last_command),
        column("minor", |row| name(&row["library"])),
    ],
};

pub(super) static CLOSED: Table = Table {
    name: "closed",
    what: "closed clients",
    rows: "clients",
    none: "None yet.",
    columns: &[
        column("name", client),
        column("", |row| name(&row["reason"]).replace('-', " ")),
        column("n", |row| {
            format!("{} ago", seconds(&row["closed_seconds_ago"]))
        }),
        column("n", |row| seconds(&row["age_seconds"])),
        column("mono", |row| name(&row["addr"])),
        column("minor", |row| name(&row["user"])),
    ],
};

pub(super) static GROUPS: Table = Table {
    name: "groups",
    what: "stream groups",
    rows: "groups",
    none: "No stream has a group.",
    columns: &[
        column("name", |row| name(&row["key"])),
        column("name", |row| name(&row["group"])),
        column("n minor", |row| count(&row["db"])),
        column("n", |row| count(&row["consumers"])),
        column("n", |row| count(&row["pending"])),
        column("n", |row| or_dash(&row["lag"], count)),
    ],
};

pub(super) static SLOWLOG: Table = Table {
    name: "slowlog",
    what: "the slow log",
    rows: "entries",
    none: "No command was slow.",
    columns: &[
        column("n", |row| microseconds(&row["duration_us"])),
        column("name", command),
        column("", caller),
        column("", ago),
    ],
};

impl Table {
    /// The rows as HTML.
    pub(super) fn rows(&self, answer: &Value) -> String {
        let mut html = String::new();
        let window = &answer["window_seconds"];
        for row in answer[self.rows].as_array().into_iter().flatten() {
            let mut row = row.clone();
            if !window.is_null() {
                row["window_seconds"] = window.clone();
            }
            html.push_str("<tr>");
            for (at, column) in self.columns.iter().enumerate() {
                let (tag, scope) = match at {
                    0 => ("th", " scope=\"row\""),
                    _ => ("td", ""),
                };
                let text = escape(&(column.cell)(&row));
                let class = column.class;
                html.push_str(&format!("<{tag}{scope} class=\"{class}\">{text}</{tag}>"));
            }
            html.push_str("</tr>");
        }
        html
    }

    /// What stands above the rows, as text.
    pub(super) fn note(&self, answer: &Value) -> String {
        let shown = answer[self.rows].as_array().map_or(0, Vec::len);
        if answer["enabled"] == false {
            return "The server doesn’t count them: a setting turns it off.".to_owned();
        }
        if shown == 0 {
            return self.none.to_owned();
        }
        match answer["total"].as_u64() {
            Some(total) if total > shown as u64 => {
                format!("The first {shown} of {}.", count(&total.into()))
            }
            _ => String::new(),
        }
    }
}

fn client(row: &Value) -> String {
    let id = &row["id"];
    match name(&row["name"]).as_str() {
        "" => format!("#{id}"),
        name => format!("{name} #{id}"),
    }
}

fn channels_of_client(row: &Value) -> String {
    let part = |key: &str| row[key].as_u64().unwrap_or_default();
    count(&(part("channels") + part("shard_channels")).into())
}

fn last_command(row: &Value) -> String {
    let command = name(&row["last_command"]);
    if row["blocked"] == true {
        return format!("{command} (blocked)");
    }
    command
}

fn per_second(row: &Value) -> String {
    let messages = row["messages"].as_f64().unwrap_or_default();
    let window = row["window_seconds"].as_f64().unwrap_or(1.0);
    count(&(messages / window).into())
}

fn command(row: &Value) -> String {
    let args = row["args"].as_array().into_iter().flatten();
    args.map(name).collect::<Vec<_>>().join(" ")
}

fn caller(row: &Value) -> String {
    match name(&row["name"]).as_str() {
        "" => name(&row["addr"]),
        own => format!("{own} {}", name(&row["addr"])),
    }
}

fn ago(row: &Value) -> String {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH);
    let now = since.map_or(0, |since| since.as_secs());
    let then = row["time_unix"].as_u64().unwrap_or_default();
    format!("{} ago", seconds(&now.saturating_sub(then).into()))
}
