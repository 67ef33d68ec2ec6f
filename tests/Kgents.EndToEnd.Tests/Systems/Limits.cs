namespace Kgents.EndToEnd.Tests.Systems;

/// <summary>How long a test may take before it counts as hung. No test decides by time; this only ends one whose signal never comes.</summary>
internal static class Limits
{
    public const int Milliseconds = 300_000;
}
