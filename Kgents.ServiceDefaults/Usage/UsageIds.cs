using System.Globalization;
using Kgents.Contracts;
using UUIDNext;

namespace Kgents.ServiceDefaults.Usage;

/// <summary>What usage events are known by: the same for the same usage, whoever records it and however often.</summary>
public static class UsageIds
{
    /// <summary>The namespace of all usage event ids (UUIDv5). Changing it would make every repeated event a new one.</summary>
    private static readonly Guid Namespace = new("6f6f3a52-5d0c-4f4e-9b0e-2a7c1f8f7d61");

    /// <param name="of">What was used, by an id that Kgents gave: a turn, or requests that were counted together.</param>
    /// <param name="ordinal">Which of its events of the type it is.</param>
    /// <param name="revision"><c>0</c>, or that of a correction.</param>
    public static string New(TenantId tenant, string of, string ordinal, string type, string revision = "0") =>
        Uuid.NewNameBased(Namespace, $"{tenant}|{of}|{ordinal}|{type}|{revision}").ToString();

    /// <summary>An instant as events have it.</summary>
    public static string Text(DateTimeOffset instant) => instant.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
