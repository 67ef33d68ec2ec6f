using Kgents.Metering.Operations;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Metering;

/// <summary>Gives metering's commands.</summary>
internal static class MeteringOperator
{
    /// <summary>Once more when a replica wrote at the same time, as an operator would.</summary>
    public static async Task<(int Code, string Text)> RunAsync(KgentsHost host, params string[] args)
    {
        while (true)
        {
            await using var output = new StringWriter();
            var code = await MeteringCommands.RunAsync(MeteringArguments.TryParse(args)!, host.Services, output, TestContext.Current.CancellationToken);
            if (!output.ToString().Contains("Once more.", StringComparison.Ordinal))
            {
                return (code, output.ToString().ReplaceLineEndings("\n"));
            }
        }
    }
}
