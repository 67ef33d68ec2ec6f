namespace Kgents.Api.Keys;

/// <summary>What a key may do.</summary>
internal static class Scopes
{
    /// <summary>Sessions, messages, turns and streams: to look at them.</summary>
    public const string Read = "read";

    /// <summary>To create, change and delete them, and to send messages, which costs.</summary>
    public const string Write = "write";

    /// <summary>The tenant's keys; of the operator's tenant also all tenants.</summary>
    public const string Admin = "admin";

    /// <summary>What was used and what it costs.</summary>
    public const string Billing = "billing";

    public static IReadOnlyList<string> All { get; } = [Read, Write, Admin, Billing];
}
