using Kgents.Streaming.Turns;

namespace Kgents.Tests.Deployment;

/// <summary>How long a service may take to end when it is told to: .NET's own 30 s, or the drain of turns and the 10 s after it.</summary>
internal static class GracePeriods
{
    public static TimeSpan Longest { get; } = TimeSpan.FromSeconds(Math.Max(30, new TurnOptions().DrainTimeout.TotalSeconds + 10));
}
