//! Which handler answers a request.
//!
//! Layer `http`.
//!
//! A path is looked up as it was sent: a route's own letters cannot be escaped.

use hyper::{Method, StatusCode};
use serde_json::Value;

use super::answer::{Answer, Refusal};
use super::api;
use super::caller::Caller;
use super::health::health;
use super::metrics;
use super::page;
use super::publish;
use super::target::Target;
use super::{subscribe, upstash};

/// What a path stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/health`, `/health/live`, `/health/ready`: see `health`. It needs no user.
    Health,
    /// `/`: see `page`
    Page,
    /// `/page/<file>`
    PageAsset,
    /// `/metrics`
    Metrics,
    /// `/api/overview`
    ApiOverview,
    /// `/api/clients`
    ApiClients,
    /// `/api/closed`
    ApiClosed,
    /// `/api/channels`
    ApiChannels,
    /// `/api/receivers`
    ApiReceivers,
    /// `/api/queues`
    ApiQueues,
    /// `/api/groups`
    ApiGroups,
    /// `/api/slowlog`
    ApiSlowlog,
    /// `POST /publish/<channel>`
    Publish,
    /// `GET /subscribe/<channel>`
    Subscribe,
    /// `GET /psubscribe/<pattern>`
    PSubscribe,
    /// `POST /subscribe/<channel>`: Upstash's.
    UpstashSubscribe,
    /// `POST /psubscribe/<pattern>`: Upstash's.
    UpstashPSubscribe,
    /// `POST /`: a command.
    Command,
    /// `POST /pipeline`
    Pipeline,
    /// `POST /multi-exec`
    Transaction,
}

impl Route {
    /// Whether the answer never ends by itself: nobody asks for its head alone.
    fn is_endless(self) -> bool {
        matches!(self, Route::Subscribe | Route::PSubscribe)
    }
}

/// How much of a path must be a route's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// All.
    Whole,
    /// Its start. What follows is the route's argument, which is not empty.
    Start,
}

/// All routes. `GET` stands for `HEAD` as well.
const ROUTES: &[(Method, &str, Extent, Route)] = &[
    (Method::GET, "/", Extent::Whole, Route::Page),
    (Method::GET, "/page/", Extent::Start, Route::PageAsset),
    (Method::GET, "/health", Extent::Whole, Route::Health),
    (Method::GET, "/health/live", Extent::Whole, Route::Health),
    (Method::GET, "/health/ready", Extent::Whole, Route::Health),
    (Method::GET, "/metrics", Extent::Whole, Route::Metrics),
    (
        Method::GET,
        "/api/overview",
        Extent::Whole,
        Route::ApiOverview,
    ),
    (
        Method::GET,
        "/api/clients",
        Extent::Whole,
        Route::ApiClients,
    ),
    (Method::GET, "/api/closed", Extent::Whole, Route::ApiClosed),
    (
        Method::GET,
        "/api/channels",
        Extent::Whole,
        Route::ApiChannels,
    ),
    (
        Method::GET,
        "/api/receivers",
        Extent::Whole,
        Route::ApiReceivers,
    ),
    (Method::GET, "/api/queues", Extent::Whole, Route::ApiQueues),
    (Method::GET, "/api/groups", Extent::Whole, Route::ApiGroups),
    (
        Method::GET,
        "/api/slowlog",
        Extent::Whole,
        Route::ApiSlowlog,
    ),
    (Method::POST, "/publish/", Extent::Start, Route::Publish),
    (Method::GET, "/subscribe/", Extent::Start, Route::Subscribe),
    (
        Method::GET,
        "/psubscribe/",
        Extent::Start,
        Route::PSubscribe,
    ),
    (
        Method::POST,
        "/subscribe/",
        Extent::Start,
        Route::UpstashSubscribe,
    ),
    (
        Method::POST,
        "/psubscribe/",
        Extent::Start,
        Route::UpstashPSubscribe,
    ),
    (Method::POST, "/", Extent::Whole, Route::Command),
    (Method::POST, "/pipeline", Extent::Whole, Route::Pipeline),
    (
        Method::POST,
        "/multi-exec",
        Extent::Whole,
        Route::Transaction,
    ),
];

/// Finds the route of a request.
///
/// # Errors
/// 404, or 405 if the path is only there for other methods.
pub(crate) fn find(method: &Method, target: &mut Target) -> Result<Route, Refusal> {
    let path = target.path();
    let asked = if method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let matches = |own: &str, extent| match extent {
        Extent::Whole => path == own,
        Extent::Start => path.len() > own.len() && path.starts_with(own),
    };
    let (mut get, mut post, mut endless) = (false, false, false);
    for (own_method, own, extent, route) in ROUTES {
        if !matches(own, *extent) {
            continue;
        }
        let is_asked = own_method == asked && (own_method == method || !route.is_endless());
        if is_asked {
            target.take(own.len());
            return Ok(*route);
        }
        get |= own_method == Method::GET;
        endless |= route.is_endless();
        post |= own_method == Method::POST;
    }
    let allowed = match (get, post) {
        (true, true) if endless => "GET, POST",
        (true, true) => "GET, HEAD, POST",
        (true, false) => "GET, HEAD",
        (false, true) => "POST",
        (false, false) => {
            let text = format!("ERR there is no '{path}'");
            return Err(Refusal::new(StatusCode::NOT_FOUND, text));
        }
    };
    let text = format!("ERR '{path}' can't be asked for by {method}");
    let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, text);
    Err(Refusal {
        allowed: Some(allowed),
        ..refusal
    })
}

fn json(value: Result<Value, Refusal>) -> Result<Answer, Refusal> {
    value.map(|value| Answer::json(&value))
}

/// Answers a request whose user is logged in.
pub(super) async fn answer(route: Route, caller: &mut Caller) -> Result<Answer, Refusal> {
    match route {
        Route::Health => Ok(health(&caller.state, caller.target.path())),
        Route::Page => page::page(caller).await,
        Route::PageAsset => page::asset(caller),
        Route::Metrics => metrics::metrics(caller).await,
        Route::ApiOverview => json(api::overview(caller)),
        Route::ApiClients => json(api::clients(caller)),
        Route::ApiClosed => json(api::closed(caller)),
        Route::ApiChannels => json(api::channels(caller)),
        Route::ApiReceivers => json(api::receivers(caller)),
        Route::ApiQueues => json(api::queues(caller).await),
        Route::ApiGroups => json(api::groups(caller).await),
        Route::ApiSlowlog => json(api::slowlog(caller)),
        Route::Publish => publish::publish(caller).await,
        Route::Subscribe => subscribe::events(caller, b"SUBSCRIBE").await,
        Route::PSubscribe => subscribe::events(caller, b"PSUBSCRIBE").await,
        Route::UpstashSubscribe => subscribe::upstash(caller, b"SUBSCRIBE").await,
        Route::UpstashPSubscribe => subscribe::upstash(caller, b"PSUBSCRIBE").await,
        Route::Command => upstash::command(caller).await,
        Route::Pipeline => upstash::pipeline(caller).await,
        Route::Transaction => upstash::transaction(caller).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &Method, path: &str) -> Result<(Route, Vec<u8>), StatusCode> {
        let mut target = Target::parse(path, None).unwrap();
        let found = find(method, &mut target).map_err(|refusal| refusal.status);
        found.map(|route| (route, target.rest()))
    }

    #[test]
    fn the_rest_of_a_path_is_the_argument() {
        let subscribe = |rest: &[u8]| Ok((Route::Subscribe, rest.to_vec()));
        assert_eq!(
            route(&Method::GET, "/subscribe/a/b%2Fc%00+"),
            subscribe(b"a/b/c\0+")
        );
        assert_eq!(route(&Method::GET, "/subscribe//"), subscribe(b"/"));
        assert_eq!(route(&Method::POST, "/"), Ok((Route::Command, Vec::new())));
        for nowhere in [
            "/subscribe/",
            "/subscribe",
            "/%73ubscribe/a",
            "//health",
            "/health/",
        ] {
            assert_eq!(
                route(&Method::GET, nowhere),
                Err(StatusCode::NOT_FOUND),
                "{nowhere}"
            );
        }
        let head = route(&Method::HEAD, "/subscribe/a");
        assert_eq!(head, Err(StatusCode::METHOD_NOT_ALLOWED));
        assert!(route(&Method::HEAD, "/health").is_ok());
        for path in ["/publish/c", "/pipeline"] {
            let wrong = Err(StatusCode::METHOD_NOT_ALLOWED);
            assert_eq!(route(&Method::GET, path), wrong, "{path}");
            assert_eq!(route(&Method::PUT, path), wrong, "{path}");
        }
    }

    #[test]
    fn no_route_hides_another() {
        for (at, (method, path, ..)) in ROUTES.iter().enumerate() {
            let (own, _) = route(method, &format!("{path}x"))
                .or(route(method, path))
                .unwrap();
            assert_eq!(own, ROUTES[at].3, "{path}");
        }
    }
}
