namespace Kgents.Tests.Hosting;

/// <summary>When a test that waits is taken for hung. Nothing is judged by it: a test that works ends long before.</summary>
internal static class Limits
{
    /// <summary>Milliseconds.</summary>
    public const int Test = 120_000;
}
