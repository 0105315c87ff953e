//! Fills the page's template with the figures of the moment.
//!
//! Layer `http`.
//!
//! In the template, `<!--fill:NAME-->` stands for the text or the rows of that name. What comes from
//! clients (names, channels, arguments) goes through [`escape`].

use std::collections::HashMap;

use serde_json::Value;

use super::tables::{CHANNELS, CLIENTS, CLOSED, GROUPS, QUEUES, SLOWLOG, Table};
use super::text::{bytes, count, escape, microseconds, name, seconds};

/// What a part of the page shows: the answer of its route, or the text of the refusal.
pub(super) type Part = Result<Value, String>;

/// What the page shows.
pub(super) struct Figures {
    /// Of `/api/overview`.
    pub overview: Part,
    /// Of `/api/channels`, and so on.
    pub channels: Part,
    pub queues: Part,
    pub clients: Part,
    pub closed: Part,
    pub groups: Part,
    pub slowlog: Part,
}

impl Figures {
    /// Each table with its part.
    fn tables(&self) -> [(&Table, &Part); 6] {
        [
            (&CHANNELS, &self.channels),
            (&QUEUES, &self.queues),
            (&CLIENTS, &self.clients),
            (&CLOSED, &self.closed),
            (&GROUPS, &self.groups),
            (&SLOWLOG, &self.slowlog),
        ]
    }
}

const TEMPLATE: &str = include_str!("assets/page.html");
const MARK: &str = "<!--fill:";

/// A figure of the ledger: its name, its path in the overview, and how it is written.
type Line = (&'static str, [&'static str; 2], fn(&Value) -> String);

/// A group of the ledger: its title and its lines.
type Group = (&'static str, &'static [Line]);

/// The ledger's groups. `assets/overview.js` has the same, and shares and rates.
const LEDGER: &[Group] = &[
    (
        "Messages",
        &[
            ("published", ["pubsub", "published"], count),
            ("delivered", ["pubsub", "delivered"], count),
            ("dropped", ["pubsub", "dropped"], count),
            ("dropped bytes", ["pubsub", "dropped_bytes"], bytes),
            ("to nobody", ["pubsub", "unreceived"], count),
        ],
    ),
    (
        "Pub/sub",
        &[
            ("channels", ["pubsub", "channels"], count),
            ("patterns", ["pubsub", "patterns"], count),
            ("sharded channels", ["pubsub", "shard_channels"], count),
            ("subscribed clients", ["clients", "subscribed"], count),
            ("in outboxes", ["memory", "outbox_bytes"], bytes),
        ],
    ),
    (
        "Clients",
        &[
            ("connected", ["clients", "connected"], count),
            ("limit", ["clients", "max"], count),
            ("blocked", ["clients", "blocked"], count),
            ("lagging", ["clients", "lagging"], count),
        ],
    ),
    (
        "Keys",
        &[
            ("keys", ["keyspace", "keys"], count),
            ("with an expiry", ["keyspace", "expiring"], count),
            ("expired", ["keyspace", "expired"], count),
            ("evicted", ["keyspace", "evicted"], count),
            ("hits", ["keyspace", "hits"], count),
            ("misses", ["keyspace", "misses"], count),
        ],
    ),
    (
        "Memory",
        &[
            ("used", ["memory", "used_bytes"], bytes),
            ("resident", ["memory", "resident_bytes"], bytes),
            ("limit", ["memory", "max_bytes"], limit),
        ],
    ),
    (
        "Work",
        &[
            ("commands", ["commands", "processed"], count),
            ("read", ["network", "input_bytes"], bytes),
            ("written", ["network", "output_bytes"], bytes),
            ("user time", ["cpu", "user_seconds"], seconds),
            ("system time", ["cpu", "system_seconds"], seconds),
        ],
    ),
];

/// The ledger's last group, if there is an upstream.
const UPSTREAM: Group = (
    "Upstream",
    &[
        ("address", ["upstream", "address"], name),
        ("connected", ["upstream", "up"], yes_or_no),
        ("round trip", ["upstream", "round_trip_us"], microseconds),
        ("lost", ["upstream", "losses"], count),
        ("time without it", ["upstream", "gap_seconds"], seconds),
        ("failed publishes", ["upstream", "publish_failures"], count),
    ],
);

/// The page as HTML.
pub(super) fn render(figures: &Figures) -> String {
    let filling = filling(figures);
    let mut pieces = TEMPLATE.split(MARK);
    let mut html = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once("-->").expect("a mark has an end");
        html.push_str(&filling[name]);
        html.push_str(rest);
    }
    html
}

/// What stands for each mark, as HTML.
fn filling(figures: &Figures) -> HashMap<String, String> {
    let mut filling = HashMap::new();
    let mut set = |name: &str, html: String| filling.insert(name.to_owned(), html);
    let nothing = Value::Null;
    let overview = figures.overview.as_ref().unwrap_or(&nothing);
    match &figures.overview {
        Ok(overview) => {
            set("headline", escape(&headline(overview)));
            set("ledger", ledger(overview));
        }
        Err(refusal) => {
            set("headline", escape(&refused("the figures", refusal)));
            set("ledger", String::new());
        }
    }
    let server = &overview["server"];
    let mut at = String::new();
    let mut uptime = String::new();
    if !server.is_null() {
        at = format!(
            "{} on port {}",
            name(&server["version"]),
            server["tcp_port"]
        );
        uptime = format!("up {}", seconds(&server["uptime_seconds"]));
    }
    set("server", escape(&at));
    set("uptime", escape(&uptime));
    for (table, part) in figures.tables() {
        let (rows, note) = match part {
            Ok(answer) => (table.rows(answer), table.note(answer)),
            Err(refusal) => (String::new(), refused(table.what, refusal)),
        };
        set(table.name, rows);
        set(&format!("{}-note", table.name), escape(&note));
    }
    filling
}

fn refused(what: &str, refusal: &str) -> String {
    format!("You may not see {what}: {refusal}")
}

fn headline(overview: &Value) -> String {
    let (clients, pubsub) = (&overview["clients"], &overview["pubsub"]);
    let draining = overview["server"]["state"] == "draining";
    format!(
        "{}Clients: {}. Messages since the start: {} in, {} out to subscribers.",
        if draining { "Shutting down. " } else { "" },
        count(&clients["connected"]),
        count(&pubsub["published"]),
        count(&pubsub["delivered"]),
    )
}

fn ledger(overview: &Value) -> String {
    let mut html = String::new();
    let upstream = (!overview["upstream"].is_null()).then_some(&UPSTREAM);
    for (title, lines) in LEDGER.iter().chain(upstream) {
        let title = escape(title);
        html.push_str(&format!("<div class=\"ledger-group\"><h3>{title}</h3><dl>"));
        for (name, [group, figure], format) in *lines {
            let text = escape(&format(&overview[group][figure]));
            html.push_str(&format!("<div><dt>{name}</dt><dd>{text}</dd></div>"));
        }
        html.push_str("</dl></div>");
    }
    html
}

fn yes_or_no(value: &Value) -> String {
    if value == true { "yes" } else { "no" }.to_owned()
}

fn limit(value: &Value) -> String {
    match value.as_u64() {
        Some(0) | None => "none".to_owned(),
        Some(_) => bytes(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HOSTILE: &str = "</td><script>alert('&')</script>\"";

    fn refused_everywhere() -> Figures {
        let part = || Err("NOPERM <b>no</b>".to_owned());
        Figures {
            overview: part(),
            channels: part(),
            queues: part(),
            clients: part(),
            closed: part(),
            groups: part(),
            slowlog: part(),
        }
    }

    #[test]
    fn every_mark_of_the_template_is_filled_and_every_filling_has_a_mark() {
        let filling = filling(&refused_everywhere());
        for name in filling.keys() {
            assert!(TEMPLATE.contains(&format!("{MARK}{name}-->")), "{name}");
        }
        assert_eq!(TEMPLATE.matches(MARK).count(), filling.len());
        let html = render(&refused_everywhere());
        assert!(!html.contains(MARK));
        assert!(html.contains("You may not see the slow log: NOPERM &lt;b&gt;no&lt;/b&gt;"));
        assert!(!html.contains("<b>"));
    }

    #[test]
    fn names_from_clients_are_text() {
        let client = json!({"id": 7, "name": HOSTILE, "addr": HOSTILE, "user": HOSTILE,
            "reason": HOSTILE, "last_command": HOSTILE, "library": HOSTILE, "blocked": true,
            "waiting_bytes": 2048, "age_seconds": 61});
        let row = json!({"channel": HOSTILE, "key": HOSTILE, "group": HOSTILE, "messages": 50});
        let entry = json!({"args": [HOSTILE, {"base64": "gA=="}], "addr": HOSTILE});
        let figures = Figures {
            overview: Ok(json!({"server": {"version": HOSTILE}, "upstream": null})),
            channels: Ok(json!({"channels": [row], "window_seconds": 10})),
            queues: Ok(json!({"queues": [row]})),
            clients: Ok(json!({"clients": [client], "total": 5000})),
            closed: Ok(json!({"clients": [client]})),
            groups: Ok(json!({"groups": [row]})),
            slowlog: Ok(json!({"entries": [entry]})),
        };
        let html = render(&figures);
        assert!(!html.contains("<script>"));
        let escaped = "&lt;/td&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;&quot;";
        // The version; a channel, a key, a stream and its group; six names of a client, four of one
        // that has gone; a command and whose it was.
        assert_eq!(html.matches(escaped).count(), 1 + 4 + 5 + 4 + 2);
        assert!(html.contains(&format!(">{escaped} #7</th>")));
        assert!(html.contains(&format!("{escaped} base64:gA==")));
        assert!(html.contains("The first 1 of 5,000."));
        assert!(!html.contains("Upstream"));
    }

    #[test]
    fn the_figures_are_in_the_page() {
        let mut figures = refused_everywhere();
        figures.overview = Ok(json!({
            "server": {"version": "1.2.3", "tcp_port": 6379, "uptime_seconds": 3725, "state": "draining"},
            "clients": {"connected": 1204}, "pubsub": {"published": 2_500_000, "delivered": 17},
            "memory": {"max_bytes": 0, "used_bytes": 2048},
            "upstream": {"address": "hub:6379", "up": true, "losses": 2, "gap_seconds": 65.5,
                "round_trip_us": 350, "publish_failures": 0},
        }));
        figures.channels = Ok(json!({"enabled": true, "window_seconds": 10,
            "channels": [{"channel": "orders", "messages": 1200, "bytes": 4096, "receivers": 3}]}));
        let html = render(&figures);
        for expected in [
            "Shutting down. Clients: 1,204. Messages since the start: 2.50 M in, 17 out",
            "1.2.3 on port 6379",
            "up 1h 2m",
            "<dt>used</dt><dd>2.0 KiB</dd>",
            "<dt>limit</dt><dd>none</dd>",
            "<h3>Upstream</h3><dl><div><dt>address</dt><dd>hub:6379</dd></div>\
             <div><dt>connected</dt><dd>yes</dd></div><div><dt>round trip</dt><dd>350 µs</dd></div>\
             <div><dt>lost</dt><dd>2</dd></div><div><dt>time without it</dt><dd>1m 5s</dd></div>\
             <div><dt>failed publishes</dt><dd>0</dd></div></dl>",
            "<tr><th scope=\"row\" class=\"name\">orders</th><td class=\"n\">1,200</td>\
             <td class=\"n\">120</td><td class=\"n\">4.0 KiB</td><td class=\"n\">3</td></tr>",
        ] {
            assert!(html.contains(expected), "{expected}");
        }
    }

    #[test]
    fn a_table_says_why_it_is_empty() {
        let uncounted = json!({"enabled": false, "channels": []});
        assert_eq!(
            CHANNELS.note(&uncounted),
            "The server doesn’t count them: a setting turns it off."
        );
        assert_eq!(CLOSED.note(&json!({"clients": []})), "None yet.");
        assert_eq!(CLIENTS.note(&json!({"clients": [{}], "total": 1})), "");
    }
}
