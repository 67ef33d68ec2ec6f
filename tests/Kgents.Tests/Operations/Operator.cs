using Kgents.Operations;
using Kgents.ServiceDefaults;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kgents.Tests.Operations;

/// <summary>An operator's command in this process, and what it wrote.</summary>
internal static class Operator
{
    public static async Task<(int ExitCode, string Text)> RunAsync(string natsUrl, string[] command, params (string Key, string? Value)[] settings)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Configuration.AddInMemoryCollection([new("ConnectionStrings:nats", natsUrl), .. settings.Select(setting => KeyValuePair.Create(setting.Key, setting.Value))]);
        builder.AddServiceDefaults("kgents-operator");
        builder.Logging.ClearProviders();
        using var host = builder.Build();
        var output = new StringWriter();
        return (await OperatorCommands.RunAsync(command, host, output, TestContext.Current.CancellationToken), output.ToString());
    }
}
