using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Kgents.Api.OpenApi;

/// <summary>What the parameters and headers of the API mean, which is the same wherever they are.</summary>
internal static class DocumentParameters
{
    private static readonly Dictionary<string, string> Meanings = new()
    {
        ["sessionId"] = "The session's id: s{partition}-{32 hex digits}.",
        ["turnId"] = "The turn's id: t-{32 hex digits}.",
        ["tenantId"] = "The tenant's id: 1 to 40 of [a-z0-9-].",
        ["keyId"] = "The id of the key, which is not the key: k-{32 hex digits}.",
        ["webhookId"] = "The webhook's id: w-{32 hex digits}.",
        ["deliveryId"] = "The id of the event that was, or is to be, delivered: e-{32 hex digits}.",
        ["sequence"] = "The sequence of the usage event in KGENTS_USAGE.",
        ["limit"] = "How many: 50 by default; of more than 100 only 100 count.",
        ["cursor"] = "`next` of the page before.",
        ["slug"] = "Only the tenant that has this slug.",
        ["status"] = "`active` (default), `archived` or `any`.",
        ["after"] = "The id of the last event that was seen, for a client that cannot send Last-Event-ID with its first request.",
        ["from"] = "The first hour: a day, or a time on a full hour of UTC. The first day of this month by default.",
        ["to"] = "The end, which is not in any more; the same. The end of this hour by default; at most 400 days after `from`.",
        ["window"] = "`hour`, `day` (default), `month` or `total`, of UTC, cut to `from` and `to`.",
        ["group_by"] = "Of `model`, `session` and `key`, with a comma between them; what is not named is added up.",
        ["model"] = "Only usage of this model.",
        ["session"] = "Only usage of this session.",
        ["key"] = "Only usage of the key with this id: k-{32 hex digits}.",
        ["path"] = "The handle of a node: `self.soul`, `world.house`.",
        ["archetype"] = "As whom: that of the key's role by default, or one of no greater rank.",
        ["format"] = "`json` or `csv`; without it, Accept decides.",
        ["Last-Event-ID"] = "The id of the last event that was seen: the stream begins with the next. A browser's EventSource sends it by itself.",
        ["Idempotency-Key"] = "1 to 255 visible ASCII characters. The same request under the same key runs once in 24 h, on any replica, and is answered with the same turn.",
    };

    /// <summary>Headers of answers, each a component of the document.</summary>
    public static IReadOnlyDictionary<string, OpenApiHeader> Headers { get; } = new Dictionary<string, OpenApiHeader>
    {
        ["Location"] = Text("The path of what was created or is under way."),
        ["Content-Location"] = Text("Where this stream is resumed, known before its first event."),
        ["Idempotency-Replayed"] = Text("`true` when the answer is that of an earlier request with this Idempotency-Key."),
        ["WWW-Authenticate"] = Text("`Bearer`."),
        ["Retry-After"] = Number("Seconds after which the request may be made again."),
        ["RateLimit-Policy"] = Text("The limits of requests: `\"minute\";q=60;w=60, \"day\";q=100;w=86400`."),
        ["RateLimit"] = Text("What is left of each limit and seconds until it is whole again: `\"minute\";r=59;t=42, \"day\";r=99;t=80000`."),
        ["X-RateLimit-Limit"] = Number("Requests of the limit with the least left."),
        ["X-RateLimit-Remaining"] = Number("What is left of it."),
        ["X-RateLimit-Reset"] = Number("Seconds until it is whole again."),
    };

    /// <summary>Of every answer to a caller that is known and has a limit.</summary>
    public static IReadOnlyList<string> LimitHeaders { get; } = ["RateLimit-Policy", "RateLimit", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"];

    public static string MeaningOf(string name) => Meanings[name];

    /// <summary>Of a parameter that does not take any text; the endpoints read all of them as text, so as to refuse them in their own words.</summary>
    public static OpenApiSchema? SchemaOf(string name) =>
        name == "limit" ? new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = "1" }
        : ClosedValues.OfParameter(name) is { } values ? new OpenApiSchema { Type = JsonSchemaType.String, Enum = [.. values.Select(value => JsonValue.Create(value))] }
        : null;

    private static OpenApiHeader Text(string meaning) => new() { Description = meaning, Schema = new OpenApiSchema { Type = JsonSchemaType.String } };

    private static OpenApiHeader Number(string meaning) => new() { Description = meaning, Schema = new OpenApiSchema { Type = JsonSchemaType.Integer } };
}
