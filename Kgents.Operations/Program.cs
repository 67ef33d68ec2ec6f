using Kgents.Operations;
using Kgents.ServiceDefaults;

return await Startup.RunAsync(Console.Error, async explainBy =>
{
    var builder = Host.CreateApplicationBuilder();
    explainBy(builder.Configuration);
    builder.Logging.SetMinimumLevel(LogLevel.Warning);

    // What a command cannot do it says itself, in one line.
    builder.Logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
    builder.AddServiceDefaults("kgents-operator");

    using var host = builder.Build();
    return await OperatorCommands.RunAsync(args, host, Console.Out, CancellationToken.None);
});
