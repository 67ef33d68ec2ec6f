using Microsoft.AspNetCore.Mvc;

namespace Kgents.Api.Usage;

/// <summary>The query string of the endpoints of usage, as it came.</summary>
internal sealed record UsageParameters(
    [property: FromQuery(Name = "from")] string? From,
    [property: FromQuery(Name = "to")] string? To,
    [property: FromQuery(Name = "window")] string? Window,
    [property: FromQuery(Name = "group_by")] string? GroupBy,
    [property: FromQuery(Name = "model")] string? Model,
    [property: FromQuery(Name = "session")] string? Session,
    [property: FromQuery(Name = "key")] string? Key,
    [property: FromQuery(Name = "format")] string? Format);
