namespace Kgents.Api.Authentication;

/// <summary>What a key may do.</summary>
internal static class Scopes
{
    public const string Read = "read";
    public const string Write = "write";
    public const string Admin = "admin";
    public const string Billing = "billing";

    public static IReadOnlyList<string> All { get; } = [Read, Write, Admin, Billing];
}
