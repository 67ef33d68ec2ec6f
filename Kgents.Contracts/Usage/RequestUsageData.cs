namespace Kgents.Contracts;

/// <summary>Requests that the API answered well: of one key and one operation, in a second or so. Quantities are decimal strings.</summary>
public sealed record RequestUsageData
{
    public string Schema { get; init; } = "1";

    /// <summary>The counting process, and the number of the event in it: what the event's id is made of.</summary>
    public required string RequestId { get; init; }

    public required ApiKeyId KeyId { get; init; }

    /// <summary>As the document of the API names it.</summary>
    public required string Operation { get; init; }

    public string Outcome { get; init; } = "completed";

    public string Billable { get; init; } = "true";

    public required string Requests { get; init; }
}
