using Kgents.Metering;
using Kgents.Metering.Operations;
using Kgents.ServiceDefaults;

if (MeteringCommands.Has(args))
{
    return await MeteringCommands.RunAsync(args, Console.Out, CancellationToken.None);
}

return await Startup.RunAsync(args, Console.Error, async () =>
{
    var builder = WebApplication.CreateBuilder(args);
    builder.AddServiceDefaults("kgents-metering");
    builder.AddKgentsMetering();

    var app = builder.Build();
    app.MapDefaultEndpoints();
    await app.RunAsync();
});
